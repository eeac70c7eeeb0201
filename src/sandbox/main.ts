/** Entry of a sandbox process: its main thread speaks the protocol, watches the guest thread, and always answers. */
import { join } from 'node:path'
import { toErrorReport } from '../shared/errors.ts'
import { openParentChannel, type ParentChannel } from '../shared/process/parent-port.ts'
import {
  engineMessageSchema,
  generationArgument,
  type EngineMessage,
  type SandboxMessage,
} from '../shared/sandbox/protocol.ts'
import { GuestHost } from './bridge/guest-host.ts'

const processReportMs = 2_000
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
  new SandboxProcess(channel, generation).start()
}

function readGeneration(args: readonly string[]): number | undefined {
  const text = args
    .find((argument) => argument.startsWith(generationArgument))
    ?.slice(generationArgument.length)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

class SandboxProcess {
  private readonly channel: ParentChannel
  private readonly generation: number
  private readonly guest: GuestHost
  private loadId: number | undefined
  private stopping = false

  constructor(channel: ParentChannel, generation: number) {
    this.channel = channel
    this.generation = generation
    this.guest = new GuestHost({
      script: join(__dirname, 'guest.cjs'),
      onLoaded: (result) => this.post({ type: 'loaded', generation, id: this.loadId ?? 0, result }),
      onReplies: (replies) => this.post({ type: 'replies', generation, replies }),
      onHostCalls: (calls) => this.post({ type: 'host-calls', generation, calls }),
      onLogs: (records, dropped) => this.post({ type: 'logs', generation, records, dropped }),
    })
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
        if (this.loadId !== undefined) return
        this.loadId = message.id
        this.guest.load(message.spec)
        return
      case 'calls':
        this.guest.call(message.calls)
        return
      case 'cancel':
        this.guest.cancel(message.id)
        return
      case 'host-replies':
        for (const { id, outcome } of message.replies) this.guest.reply(id, outcome)
        return
      case 'stop':
        void this.stop(message.id, message.graceMs)
        return
      case 'ping':
        this.post({ type: 'pong', generation: this.generation, nonce: message.nonce })
        return
    }
  }

  private async stop(id: number, graceMs: number): Promise<void> {
    if (this.stopping) return
    this.stopping = true
    await this.guest.stop(graceMs)
    this.channel.post({ type: 'stopped', generation: this.generation, id } satisfies SandboxMessage, () =>
      process.exit(0),
    )
  }

  private reportProcess(): void {
    let cpu = process.cpuUsage()
    let timeMs = performance.now()
    const timer = setInterval(() => {
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
    }, processReportMs)
    timer.unref()
  }
}

/** Our own fault: the engine sees the exit and starts a new sandbox. */
function die(error: unknown): void {
  const { code, message } = toErrorReport(error)
  process.stderr.write(`sandbox: ${code}: ${message}\n`, () => process.exit(exitFault))
}

start()
