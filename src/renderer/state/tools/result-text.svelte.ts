import { prettyLines } from './pretty-json.ts'

/** Lines that are shown; more would be too high for a page to scroll. */
export const mostLines = 500_000
const partMs = 8
const afterMs = 0

/** A JSON text in lines, made in parts so that the page never stands still. */
export class ResultText {
  lines = $state.raw<readonly string[]>([])
  /** How many there are beyond those; null until all are made. */
  left = $state<number | null>(null)
  #timer = 0
  #made: string[] = []

  /** Takes the text; what was shown before goes. */
  open(text: string): void {
    this.close()
    const source = prettyLines(text)
    let left = 0
    const part = (): void => {
      const until = performance.now() + partMs
      for (;;) {
        const next: IteratorResult<string, unknown> = source.next()
        if (next.done === true) {
          this.lines = this.#made
          this.left = left
          return
        }
        if (this.#made.length < mostLines) this.#made.push(next.value)
        else left += 1
        if (performance.now() > until) break
      }
      // The first lines are shown at once; the list then grows by copies that double.
      if (this.lines.length === 0 || this.#made.length > this.lines.length * 2) this.lines = [...this.#made]
      this.#timer = window.setTimeout(part, afterMs)
    }
    part()
  }

  close(): void {
    window.clearTimeout(this.#timer)
    this.#made = []
    this.lines = []
    this.left = null
  }
}
