/** Step 4: what a request weighs, and what a call may send in sum (spec tools 4). */
import type { HeaderPair } from '../../../egress/types.ts'
import { Refusal } from '../failures.ts'

export interface RequestSize {
  readonly method: string
  readonly url: string
  readonly headers: readonly HeaderPair[]
  readonly bodyBytes: number
}

/** Method, URL, headers, framing and body, so that a long URL is no way round the sum. */
export function countedBytes({ method, url, headers, bodyBytes }: RequestSize): number {
  const line = `${method}  HTTP/1.1\r\n\r\n`.length + Buffer.byteLength(url)
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, line + bodyBytes)
}

/** Throws `Refusal` (`request_too_large`). */
export function checkBody(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) {
    throw new Refusal('body', 'request_too_large', `The body has more than ${maxBytes} bytes.`)
  }
}

/** The running sum of a call. Requests under way hold their share of it. */
export class EgressSum {
  private readonly max: number | null
  private total = 0

  /** Null for no bound. */
  constructor(max: number | null) {
    this.max = max
  }

  /** Holds `bytes`. Throws `Refusal` (`request_too_large`). */
  hold(bytes: number): HeldBytes {
    const held = new HeldBytes((by) => this.grow(by))
    held.change(bytes)
    return held
  }

  private grow(by: number): void {
    if (this.max !== null && by > 0 && this.total + by > this.max) {
      throw new Refusal(
        'body',
        'request_too_large',
        `The call would send more than ${this.max} bytes in all.`,
      )
    }
    this.total += by
  }
}

export class HeldBytes {
  private readonly grow: (by: number) => void
  private held = 0

  constructor(grow: (by: number) => void) {
    this.grow = grow
  }

  /** What the request weighs now. Throws `Refusal` (`request_too_large`). */
  change(bytes: number): void {
    this.grow(bytes - this.held)
    this.held = bytes
  }

  /** It was not sent. */
  giveBack(): void {
    this.change(0)
  }
}
