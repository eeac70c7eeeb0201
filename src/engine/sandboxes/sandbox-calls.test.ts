import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import { defaultLimits } from '../../shared/domain/limits.ts'
import { PaddockError } from '../../shared/errors.ts'
import type {
  EngineMessage,
  GuestCall,
  HostCall,
  HostOutcome,
  LoadSpec,
} from '../../shared/sandbox/protocol.ts'
import type { LaunchedProcess, ProcessExit } from './launcher.ts'
import { Sandbox, sandboxTimes, type SandboxEnd } from './sandbox.ts'

const generation = 5
const killed: ProcessExit = { class: 'killed', code: null, signal: 'SIGKILL' }
const clean: ProcessExit = { class: 'clean', code: 0, signal: null }

/** A process that says what the test lets it say. */
class ScriptedProcess implements LaunchedProcess {
  readonly pid = 42
  readonly posted: EngineMessage[] = []
  kills = 0
  private message: (message: unknown) => void = () => undefined
  private end: (exit: ProcessExit) => void = () => undefined

  post(message: unknown): void {
    this.posted.push(message as EngineMessage)
  }

  onMessage(listener: (message: unknown) => void): () => void {
    this.message = listener
    return () => undefined
  }

  onExit(listener: (exit: ProcessExit) => void): () => void {
    this.end = listener
    return () => undefined
  }

  onOutput(): () => void {
    return () => undefined
  }

  /** Ends at once, and once. */
  kill(): void {
    this.kills += 1
    if (this.kills === 1) this.end(killed)
  }

  say(message: Record<string, unknown>): void {
    this.message({ generation, ...message })
  }

  sayRaw(message: unknown): void {
    this.message(message)
  }

  exit(exit: ProcessExit): void {
    this.end(exit)
  }

  posts<T extends EngineMessage['type']>(type: T): Extract<EngineMessage, { type: T }>[] {
    return this.posted.filter(
      (message): message is Extract<EngineMessage, { type: T }> => message.type === type,
    )
  }
}

let clock: ManualClock
let process: ScriptedProcess
let sandbox: Sandbox
let ends: SandboxEnd[]
let hostCalls: HostCall[]
let signals: AbortSignal[]
let answer: (call: HostCall) => Promise<HostOutcome>

beforeEach(() => {
  clock = new ManualClock()
  process = new ScriptedProcess()
  ends = []
  hostCalls = []
  signals = []
  answer = () => Promise.resolve({ ok: true, value: 'done' })
  sandbox = new Sandbox({
    launcher: { launch: () => process },
    entry: '/nowhere.cjs',
    serviceName: 'test',
    generation,
    clock,
    residentLimitBytes: 1_000_000_000,
    handlers: {
      onHostCall: (call, { signal }) => {
        hostCalls.push(call)
        signals.push(signal)
        return answer(call)
      },
      onLogs: () => undefined,
      onProcess: () => undefined,
      onOutput: () => undefined,
    },
  })
  sandbox.onEnd((end) => ends.push(end))
})

afterEach(() => {
  // Whatever happened, an ended sandbox holds no timer.
  if (sandbox.ended) expect(clock.pending).toBe(0)
})

const spec: LoadSpec = {
  module: 'm',
  run: 1,
  contract: 'event-module',
  artifactDirectory: '/a',
  storePath: null,
  durability: 'event',
  limits: defaultLimits,
  capabilities: {},
  logLevel: 'info',
}

function guestCall(): GuestCall {
  const id = sandbox.allocateCallId()
  return {
    id,
    sequence: id,
    operation: 'on-event',
    payload: null,
    cursor: null,
    fuel: 1,
    deadlineMs: 1_000,
    context: {},
  }
}

const usage = {
  durationUs: 1,
  hostWaitUs: 0,
  fuel: 1,
  hostCalls: 0,
  writes: 0,
  memoryBytes: 0,
  storeBytes: 0,
}

function replyTo(call: GuestCall): Record<string, unknown> {
  return { type: 'replies', replies: [{ id: call.id, outcome: { status: 'ok', value: 7 }, usage }] }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'settled well',
    (error: unknown) => (error instanceof PaddockError ? error.code : String(error)),
  )

describe('calls', () => {
  it('of one turn travel in one message, in their order, and find their answers', async () => {
    process.say({ type: 'ready' })
    await sandbox.ready
    const calls = [guestCall(), guestCall(), guestCall()]
    const replies = calls.map((call) => sandbox.call(call))
    await Promise.resolve()
    expect(process.posts('calls').map((message) => message.calls)).toEqual([calls])
    process.say(replyTo(calls[1]!))
    process.say(replyTo(calls[0]!))
    process.say(replyTo(calls[2]!))
    expect((await Promise.all(replies)).map((reply) => reply.id)).toEqual(calls.map((call) => call.id))
  })

  it('that were sent, loads and readiness all settle when the process ends', async () => {
    const outcomes = [
      codeOf(sandbox.ready),
      codeOf(sandbox.load(spec)),
      codeOf(sandbox.call(guestCall())),
      codeOf(sandbox.call(guestCall())),
    ]
    process.exit({ class: 'crash', code: null, signal: 'SIGSEGV' })
    const codes = await Promise.all(outcomes)
    expect(codes).toEqual(codes.map(() => codes[0]))
    expect(codes[0]).toMatch(/^sandbox\./)
    expect(ends).toHaveLength(1)
    expect(ends[0]?.error?.code).toBe(codes[0])
    // And so does whatever comes after it.
    expect(await codeOf(sandbox.call(guestCall()))).toBe(codes[0])
    expect(await codeOf(sandbox.load(spec))).toBe(codes[0])
    await sandbox.stop(1_000)
    const later: SandboxEnd[] = []
    sandbox.onEnd((end) => later.push(end))
    expect(later).toEqual(ends)
  })

  it('settle with the reason when it is killed', async () => {
    const outcome = codeOf(sandbox.call(guestCall()))
    sandbox.kill(new PaddockError('sandbox.deadline', 'too slow'))
    expect(await outcome).toBe('sandbox.deadline')
    expect(ends[0]?.error?.code).toBe('sandbox.deadline')
  })

  it('are not answered by a process of an earlier generation', async () => {
    process.say({ type: 'ready' })
    const call = guestCall()
    let settled = false
    const reply = sandbox.call(call).then(() => {
      settled = true
    })
    process.say({ ...replyTo(call), generation: generation - 1 })
    process.say({
      type: 'host-calls',
      calls: [{ id: 1, call: call.id, capability: 'chain', function: 'request', args: [] }],
      generation: 1,
    })
    await Promise.resolve()
    expect([settled, hostCalls]).toEqual([false, []])
    process.say(replyTo(call))
    await reply
    // Answered twice, the second time counts for nothing.
    process.say(replyTo(call))
    expect(sandbox.ended).toBe(false)
  })

  it.each([
    ['no object', 17],
    ['an unknown type', { type: 'hello', generation }],
    ['a wrong field', { type: 'replies', generation, replies: [{ id: -1 }] }],
    ['no generation', { type: 'ready' }],
  ])('a message that is %s ends the process', async (_, message) => {
    const outcome = codeOf(sandbox.call(guestCall()))
    process.sayRaw(message)
    expect(process.kills).toBe(1)
    expect(await outcome).toBe('sandbox.protocol')
    expect(ends[0]?.error?.code).toBe('sandbox.protocol')
  })
})

describe('host calls', () => {
  it('are answered in one message a turn; after the end nobody is', async () => {
    process.say({ type: 'ready' })
    const calls = [1, 2].map((id) => ({ id, call: 9, capability: 'chain', function: 'request', args: [] }))
    process.say({ type: 'host-calls', calls })
    await new Promise((done) => setImmediate(done))
    expect(
      process.posts('host-replies').flatMap((message) => message.replies.map((reply) => reply.id)),
    ).toEqual([1, 2])

    let finish: (outcome: HostOutcome) => void = () => undefined
    answer = () => new Promise((resolve) => (finish = resolve))
    process.say({ type: 'host-calls', calls: [{ ...calls[0]!, id: 3 }] })
    process.exit(killed)
    finish({ ok: true, value: 1 })
    await new Promise((done) => setImmediate(done))
    expect(process.posts('host-replies').flatMap((message) => message.replies)).toHaveLength(2)
  })
})

describe('spec nexum-host 13: host calls of a call that is over', () => {
  const hostCall = (call: number, id: number): Record<string, unknown> => ({
    type: 'host-calls',
    calls: [{ id, call, capability: 'http', function: 'fetch', args: [] }],
  })

  it('are aborted with their own call and with no other', async () => {
    process.say({ type: 'ready' })
    answer = () => new Promise(() => undefined)
    const [first, second] = [guestCall(), guestCall()]
    const replies = [sandbox.call(first), sandbox.call(second)]
    process.say(hostCall(first.id, 1))
    process.say(hostCall(second.id, 2))
    process.say(hostCall(999, 3))
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false])
    process.say(replyTo(first))
    await replies[0]
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false])
    const ended = codeOf(replies[1]!)
    process.exit(killed)
    await ended
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
  })
})

describe('the times of a sandbox', () => {
  it('a process that never listens is ended', async () => {
    const outcome = codeOf(sandbox.ready)
    clock.advance(sandboxTimes.readyMs - 1)
    expect(process.kills).toBe(0)
    clock.advance(1)
    expect(await outcome).toBe('sandbox.start_timeout')
  })

  it('a module that is never instantiated is ended', async () => {
    process.say({ type: 'ready' })
    const outcome = codeOf(sandbox.load(spec))
    for (let spent = 0; spent < sandboxTimes.loadMs - 1_000; spent += 1_000) {
      clock.advance(1_000)
      process.say({ type: 'pong', nonce: 1 })
    }
    expect(process.kills).toBe(0)
    clock.advance(1_000)
    expect(await outcome).toBe('sandbox.start_timeout')
  })

  it('a stop that is obeyed is no fault', async () => {
    process.say({ type: 'ready' })
    const stopped = sandbox.stop(5_000)
    expect(process.posts('stop')).toMatchObject([{ graceMs: 5_000 }])
    process.say({ type: 'stopped', id: process.posts('stop')[0]!.id })
    process.exit(clean)
    await stopped
    expect(ends).toMatchObject([{ error: null }])
  })

  it('a stop that is not obeyed is a kill after its grace', async () => {
    process.say({ type: 'ready' })
    const stopped = sandbox.stop(5_000)
    for (let spent = 0; spent < 5_000 + sandboxTimes.stopSlackMs - 500; spent += 500) {
      clock.advance(500)
      process.say({ type: 'pong', nonce: 1 })
    }
    expect(process.kills).toBe(0)
    clock.advance(500)
    await stopped
    expect(process.kills).toBe(1)
  })
})
