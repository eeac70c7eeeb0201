import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import type { LaunchedProcess, LaunchOptions, ProcessExit } from './launcher.ts'
import { Sandbox, sandboxTimes, type SandboxEnd } from './sandbox.ts'

const mebibyte = 1_048_576

/** A process that lives in this test: it answers pings while `answers` holds, and dies when killed. */
class ScriptedProcess implements LaunchedProcess {
  readonly pid = 4_711
  answers = true
  readonly options: LaunchOptions
  private listener: (message: unknown) => void = () => undefined
  private onEnd: (exit: ProcessExit) => void = () => undefined

  constructor(options: LaunchOptions) {
    this.options = options
  }

  say(message: object): void {
    this.listener({ generation: 3, ...message })
  }

  exit(exit: ProcessExit): void {
    this.onEnd(exit)
  }

  post(message: unknown): void {
    const { type, nonce } = message as { type: string; nonce?: number }
    if (type === 'ping' && this.answers) this.say({ type: 'pong', nonce })
  }

  onMessage(listener: (message: unknown) => void): () => void {
    this.listener = listener
    return () => undefined
  }

  onExit(listener: (exit: ProcessExit) => void): () => void {
    this.onEnd = listener
    return () => undefined
  }

  onOutput(): () => void {
    return () => undefined
  }

  kill(): void {
    this.exit({ class: 'killed', code: null, signal: 'SIGKILL' })
  }
}

function start(residentLimitBytes = 320 * mebibyte) {
  const clock = new ManualClock()
  const processes: ScriptedProcess[] = []
  const ends: SandboxEnd[] = []
  const sandbox = new Sandbox({
    launcher: {
      launch: (options) => {
        const process = new ScriptedProcess(options)
        processes.push(process)
        return process
      },
    },
    entry: '/sandbox.cjs',
    serviceName: 'sandbox',
    generation: 3,
    clock,
    residentLimitBytes,
    handlers: {
      onHostCall: () => Promise.reject(new Error('unexpected')),
      onLogs: () => undefined,
      onProcess: () => undefined,
      onOutput: () => undefined,
    },
  })
  sandbox.onEnd((end) => ends.push(end))
  const [process] = processes
  if (process === undefined) throw new Error('not launched')
  return { clock, process, ends, sandbox }
}

describe('the watch over a sandbox', () => {
  it.each([0, 1, 249, 251, 500, 999, 1_000, 1_700, 2_001])(
    'finds a process that falls silent %i ms after a ping within 3 s',
    (offset) => {
      const { clock, process, ends } = start()
      process.say({ type: 'ready' })
      clock.advance(10_000 + offset)
      process.answers = false
      const silentFrom = clock.now()
      while (ends.length === 0) clock.advance(10)
      expect(ends[0]?.error).toMatchObject({ code: 'sandbox.unresponsive', details: { class: 'killed' } })
      expect(ends[0]?.error?.message).toMatch(/did not answer for [23]\.\d s/)
      expect(clock.now() - silentFrom).toBeLessThanOrEqual(3_000)
    },
  )

  it('leaves one alone that answers, however long', () => {
    const { clock, process, ends } = start()
    process.say({ type: 'ready' })
    clock.advance(3_600_000)
    expect(ends).toEqual([])
  })

  it('gives another chance after the engine itself was away', () => {
    const { clock, process, ends } = start()
    process.say({ type: 'ready' })
    clock.advance(5_000)
    process.answers = false
    clock.oversleep(60_000)
    clock.advance(1_500)
    expect(ends).toEqual([])
    process.answers = true
    clock.advance(10_000)
    expect(ends).toEqual([])
  })

  it('kills above the limit of resident memory, not at it, and says how much', () => {
    const { process, ends } = start(320 * mebibyte)
    process.say({ type: 'ready' })
    process.say({ type: 'process', residentBytes: 320 * mebibyte, cpuUs: 0, wallUs: 1 })
    expect(ends).toEqual([])
    process.say({ type: 'process', residentBytes: 321 * mebibyte, cpuUs: 0, wallUs: 1 })
    expect(ends).toHaveLength(1)
    expect(ends[0]).toMatchObject({
      class: 'oom',
      error: {
        code: 'sandbox.out_of_memory',
        message: 'The sandbox process held 321 MiB of memory; 320 MiB are allowed.',
      },
    })
  })

  it('caps the heap of the process', () => {
    expect(start().process.options.heapLimitMb).toBeGreaterThan(0)
  })

  it('calls a slow start a start timeout, and an orderly stop no fault', async () => {
    const slow = start()
    slow.clock.advance(sandboxTimes.readyMs)
    expect(slow.ends[0]).toMatchObject({ class: 'start-timeout', error: { code: 'sandbox.start_timeout' } })
    await expect(slow.sandbox.ready).rejects.toMatchObject({ code: 'sandbox.start_timeout' })

    const orderly = start()
    orderly.process.say({ type: 'ready' })
    const stopped = orderly.sandbox.stop(1_000)
    orderly.process.exit({ class: 'clean', code: 0, signal: null })
    await stopped
    expect(orderly.ends).toEqual([
      { class: 'clean', exit: { class: 'clean', code: 0, signal: null }, killReason: null, error: null },
    ])
  })
})
