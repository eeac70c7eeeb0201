/** One clock for every age on the page, so that all of them turn over together. */
export class Clock {
  now = $state(Date.now())

  /** Ticks on each full second until the returned function is called. */
  start(): () => void {
    let timer = 0
    const tick = (): void => {
      this.now = Date.now()
      timer = window.setTimeout(tick, 1_000 - (this.now % 1_000))
    }
    tick()
    return () => window.clearTimeout(timer)
  }
}
