/** Entry of a sandbox process: its main thread speaks the protocol, watches the guest thread, and always answers. */
import { join } from 'node:path'
import { toErrorReport } from '../shared/errors.ts'
import { openParentChannel, type ParentChannel } from '../shared/process/parent-port.ts'
import {
  engineMessageSchema,
  generationArgument,
  sharedArgument,
  type EngineMessage,
  type LoadSpec,
  type SandboxMessage,
} from '../shared/sandbox/protocol.ts'
import { GuestHost } from './bridge/guest-host.ts'

const processReportMs = 2_000
/** A process that several guests share is looked after more often. */
const sharedReportMs = 500
/** Where the only thread of a process is kept. */
const onlyThread = -1
/** Exit codes: the class matters to the engine, not the number. */
const exitFault = 70
const exitUsage = 64

function start(): void {
  const channel = openParentChannel(process)
  const generation = readGeneration(process.argv)
  if (channel === undefined || generation === undefined) {
    process.stderr.write('A sandbox is started by Paddock only.\n')
    process.exitCode = exitUsage
    return
  }
  new SandboxProcess(channel, generation, process.argv.includes(sharedArgument)).start()
}

function readGeneration(args: readonly string[]): number | undefined {
  const text = args
    .find((argument) => argument.startsWith(generationArgument))
    ?.slice(generationArgument.length)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

interface GuestThread {
  readonly host: GuestHost
  loadId: number | undefined
}

class SandboxProcess {
  private readonly channel: ParentChannel
  private readonly generation: number
  /** Threads are begun as they are loaded, rather than one with the process. */
  private readonly isShared: boolean
  private readonly threads = new Map<number, GuestThread>()
  private stopping = false

  constructor(channel: ParentChannel, generation: number, isShared: boolean) {
    this.channel = channel
    this.generation = generation
    this.isShared = isShared
    if (!isShared) this.begin(undefined)
  }

  start(): void {
    process.on('uncaughtException', die)
    process.on('unhandledRejection', die)
    this.channel.onMessage((message) => this.receive(message))
    // Without its engine a sandbox has nothing to live for; what is uncommitted rolls back.
    this.channel.onDisconnect(() => process.exit(0))
    this.reportProcess()
    this.post({ type: 'ready', generation: this.generation })
  }

  /** Begins a guest thread; `thread` is left out for the only one of its process. */
  private begin(thread: number | undefined): GuestThread {
    const { generation } = this
    const named = thread === undefined ? {} : { thread }
    const begun: GuestThread = {
      loadId: undefined,
      host: new GuestHost({
        script: join(__dirname, 'guest.cjs'),
        onLoaded: (result) =>
          this.post({ type: 'loaded', generation, ...named, id: begun.loadId ?? 0, result }),
        onReplies: (replies) => this.post({ type: 'replies', generation, ...named, replies }),
        onHostCalls: (calls) => this.post({ type: 'host-calls', generation, ...named, calls }),
        onMail: (letters) => this.post({ type: 'mail', generation, letters }),
        onLogs: (records, dropped) => this.post({ type: 'logs', generation, ...named, records, dropped }),
        ...(thread === undefined
          ? {}
          : {
              onOverdue: (call, statement) =>
                this.post({ type: 'overdue', generation, thread, call, statement }),
              onEnded: (error) => {
                this.threads.delete(thread)
                this.post({ type: 'thread-ended', generation, thread, error })
              },
            }),
      }),
    }
    this.threads.set(thread ?? onlyThread, begun)
    return begun
  }

  private post(message: SandboxMessage): void {
    this.channel.post(message)
  }

  private receive(raw: unknown): void {
    const parsed = engineMessageSchema.safeParse(raw)
    if (!parsed.success) {
      const where = parsed.error.issues[0]?.path.join('.') ?? ''
      process.stderr.write(`sandbox: dropped a message that is not of the protocol (at "${where}")\n`)
      return
    }
    if (parsed.data.generation === this.generation) this.handle(parsed.data)
  }

  private handle(message: EngineMessage): void {
    switch (message.type) {
      case 'load':
        this.load(message.thread, message.id, message.spec)
        return
      case 'calls':
        this.threads.get(message.thread ?? onlyThread)?.host.call(message.calls)
        return
      case 'cancel':
        this.threads.get(message.thread ?? onlyThread)?.host.cancel(message.id)
        return
      case 'deadline':
        this.threads.get(message.thread ?? onlyThread)?.host.pauseDeadline(message.call, message.paused)
        return
      case 'mail':
        this.threads.get(onlyThread)?.host.mail(message.letters)
        return
      case 'linkages':
        this.threads.get(message.thread ?? onlyThread)?.host.link(message.capabilities)
        return
      case 'host-replies': {
        const host = this.threads.get(message.thread ?? onlyThread)?.host
        for (const { id, outcome } of message.replies) host?.reply(id, outcome)
        return
      }
      case 'stop-thread':
        void this.threads.get(message.thread)?.host.stop(message.graceMs)
        return
      case 'stop':
        void this.stop(message.id, message.graceMs)
        return
      case 'ping':
        this.post({ type: 'pong', generation: this.generation, nonce: message.nonce })
        return
    }
  }

  private load(thread: number | undefined, id: number, spec: LoadSpec): void {
    const known = this.threads.get(thread ?? onlyThread)
    if (
      known !== undefined
        ? known.loadId !== undefined
        : !this.isShared || thread === undefined || this.stopping
    )
      return
    const loaded = known ?? this.begin(thread)
    loaded.loadId = id
    loaded.host.load(spec)
  }

  private async stop(id: number, graceMs: number): Promise<void> {
    if (this.stopping) return
    this.stopping = true
    await Promise.all([...this.threads.values()].map(({ host }) => host.stop(graceMs)))
    this.channel.post({ type: 'stopped', generation: this.generation, id } satisfies SandboxMessage, () =>
      process.exit(0),
    )
  }

  private reportProcess(): void {
    let cpu = process.cpuUsage()
    let timeMs = performance.now()
    const report = (): void => {
      const used = process.cpuUsage(cpu)
      const nowMs = performance.now()
      this.post({
        type: 'process',
        generation: this.generation,
        residentBytes: process.memoryUsage.rss(),
        cpuUs: used.user + used.system,
        wallUs: (nowMs - timeMs) * 1_000,
      })
      cpu = process.cpuUsage()
      timeMs = nowMs
    }
    // What a process with threads takes without any of them: its ceiling is above that.
    if (this.isShared) report()
    setInterval(report, this.isShared ? sharedReportMs : processReportMs).unref()
  }
}

/** Our own fault: the engine sees the exit and starts a new sandbox. */
function die(error: unknown): void {
  const { code, message } = toErrorReport(error)
  process.stderr.write(`sandbox: ${code}: ${message}\n`, () => process.exit(exitFault))
}

start()
