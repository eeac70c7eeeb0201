import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Milliseconds that the main loop was late. */
export interface LoopDelay {
  readonly p99: number
  readonly max: number
}

const resolutionMs = 2

/** Measures how late the main loop is, from now until `end`. */
export class LoopDelayMeter {
  private readonly histogram = monitorEventLoopDelay({ resolution: resolutionMs })

  constructor() {
    this.histogram.enable()
  }

  end(): LoopDelay {
    this.histogram.disable()
    // The histogram measures from timer to timer: its own resolution is no delay.
    const late = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs)
    return { p99: late(this.histogram.percentile(99)), max: late(this.histogram.max) }
  }
}

/** A process beside ours that idles: as late as it is, the machine makes every process. */
export class IdleProcess {
  private readonly child: ChildProcess

  private constructor(child: ChildProcess) {
    this.child = child
  }

  static async start(): Promise<IdleProcess> {
    const child = fork(resolve(import.meta.dirname, 'idle-process.cjs'), { execArgv: [] })
    await once(child, 'message')
    return new IdleProcess(child)
  }

  /** How late it was since its start; ends it. */
  async end(): Promise<LoopDelay> {
    const answer = once(this.child, 'message')
    const exit = once(this.child, 'exit')
    this.child.send('end')
    const [delay] = (await answer) as [LoopDelay]
    await exit
    return delay
  }
}
