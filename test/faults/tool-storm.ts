/** Many callers of tools at once, of whom many leave, over tools that trap and servers that are slow or never answer. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { ToolCallView } from '../../src/shared/domain/tool.ts'
import { nothingHeld, TestTools } from '../support/tool-engine.ts'
import { DidNotSurvive, eventually, mustEqual, mustHold } from './fault.ts'
import { IdleProcess, LoopDelayMeter, type LoopDelay } from './loop-delay.ts'
import type { Random } from './random.ts'

export interface ToolStorm {
  readonly calls: number
  readonly callers: number
}

export interface ToolStormResult {
  /** Calls by how they ended. */
  readonly ended: Readonly<Record<string, number>>
  /** Of the engine's main loop, and of a process beside it that does nothing. */
  readonly delay: LoopDelay
  readonly idle: LoopDelay
  readonly seconds: number
}

/** A server in a process of its own, so that what it costs is not the engine's. */
class Upstream {
  readonly port: number
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  static async start(): Promise<Upstream> {
    const child = fork(resolve(import.meta.dirname, 'tool-upstream.cjs'), { execArgv: [] })
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    return new Upstream(child, port)
  }

  async count(): Promise<{ received: number; open: number }> {
    const answer = once(this.child, 'message')
    this.child.send('count')
    const [count] = (await answer) as [{ received: number; open: number }]
    return count
  }

  async end(): Promise<void> {
    const exit = once(this.child, 'exit')
    this.child.send('end')
    await exit
  }
}

/** Runs it and checks that every call was answered once and nothing is held. Throws `DidNotSurvive`. */
export async function toolStorm(storm: ToolStorm, random: Random): Promise<ToolStormResult> {
  const upstream = await Upstream.start()
  const tools = await TestTools.start({ ownBroker: true })
  try {
    await tools.load({
      name: 'probe',
      ports: [upstream.port],
      limits: { timeout_ms: 2_000 },
      http: { requests_per_call: 50 },
    })
    await tools.load({ name: 'hand', component: 'hand', limits: { timeout_ms: 2_000 } })
    const idle = await IdleProcess.start()
    const meter = new LoopDelayMeter()
    const began = performance.now()
    const ended: Record<string, number> = {}
    const answers = new Map<string, number>()
    let next = 0
    await Promise.all(
      Array.from({ length: storm.callers }, async () => {
        while (next < storm.calls) {
          next += 1
          const view = await one(tools, upstream.port, next, random, answers)
          const how = view.outcome === null ? 'none' : view.outcome.ok ? 'ok' : view.outcome.failure.kind
          ended[how] = (ended[how] ?? 0) + 1
        }
      }),
    )
    const seconds = (performance.now() - began) / 1_000
    const [delay, idleDelay] = [meter.end(), await idle.end()]
    mustEqual(answers.size, storm.calls, 'calls that were answered')
    mustHold(
      [...answers.values()].every((times) => times === 1),
      'every call is answered exactly once',
    )
    mustEqual(tools.held, nothingHeld, 'what is still held')
    const { received } = await upstream.count()
    await eventually('no request is left under way', async () => (await upstream.count()).open <= 128)
    mustEqual((await upstream.count()).received, received, 'requests after the last call was settled')
    for (const { counts, module } of tools.service.all) {
      mustEqual([counts.running, counts.queued], [0, 0], `calls of ${module} under way`)
    }
    const last = await tools.call('hand', { deed: 'count' })
    mustHold(last.outcome?.ok === true, 'the next call works')
    return { ended, delay, idle: idleDelay, seconds }
  } finally {
    await tools.test.engine.shutdown()
    await tools.close()
    await upstream.end()
  }
}

/** A third of them leave in the middle, a tenth trap, the rest meets every kind of server. */
async function one(
  tools: TestTools,
  port: number,
  number: number,
  random: Random,
  answers: Map<string, number>,
): Promise<ToolCallView> {
  const leave = new AbortController()
  const leaves = number % 3 === 0
  const traps = number % 10 === 1
  const http = (path: string): object => ({ step: { do: 'http', url: `http://127.0.0.1:${port}/${path}` } })
  const kinds = [
    () => tools.call('probe', http('quick'), more),
    () => tools.call('probe', http(`slow/${random.whole(0, 150)}`), more),
    () => tools.call('probe', leaves || number % 20 === 7 ? http('never') : http('quick'), more),
    () => tools.call('hand', { deed: leaves ? 'wait' : 'count' }, more),
  ]
  const after = random.whole(0, 60)
  const more = {
    signal: leave.signal,
    onProgress: ({ id, state }: ToolCallView) => {
      if (state === 'settled') answers.set(id, (answers.get(id) ?? 0) + 1)
      if (state === 'running' && leaves) setTimeout(() => leave.abort(), after)
    },
  }
  const view = traps
    ? await tools.call('hand', { deed: 'trap' }, more)
    : await kinds[number % kinds.length]?.()
  if (view === undefined) throw new DidNotSurvive('a call without an answer')
  return view
}
