/** Bodies of one call on their way in parts: those of its next request, and of its last answer (shared/contracts/tool-body.ts). */
import type { HttpAnswer } from '../../../shared/contracts/tool.ts'
import { partAt, type BodyPartAnswer, type HttpHead } from '../../../shared/contracts/tool-body.ts'
import type { SentRequest } from '../../../shared/contracts/tool-call.ts'
import { failureAnswer } from '../egress/failures.ts'
import type { GuestHttpRequest } from '../egress/guest-request.ts'

export class BodyRelay {
  private readonly maxBytes: number
  private sent: Uint8Array[] = []
  private sentBytes = 0
  private answered: Uint8Array | undefined

  /** `maxBytes` of a request's body; what is longer is refused by its length, without its bytes. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Keeps the next part of a request's body; false when no more is wanted. */
  take(part: Uint8Array): boolean {
    // Nobody reads the answer before any more.
    this.answered = undefined
    if (this.sentBytes + part.length > this.maxBytes) {
      this.forgetSent()
      return false
    }
    this.sent.push(part)
    this.sentBytes += part.length
    return true
  }

  /** The request with all parts of its body. */
  whole({ body, bodyBytes, ...rest }: SentRequest): GuestHttpRequest {
    const parts = [...this.sent, ...(body === undefined ? [] : [body])]
    this.forgetSent()
    this.answered = undefined
    const [only] = parts
    const joined = parts.length > 1 ? Buffer.concat(parts) : only
    return { ...rest, timeoutMs: rest.timeoutMs, body: joined, bodyBytes }
  }

  /** The answer with the first part of its body; the rest waits here to be read, until the next request. */
  head(answer: HttpAnswer): HttpHead {
    if (!answer.ok) return answer
    const { status, headersJson, body } = answer
    const first = partAt(body, 0)
    if (first.length < body.length) this.answered = body
    return { ok: true, status, headersJson, body: first, bodyBytes: body.length }
  }

  /** Gives the part from `offset` on; the last one is given once. */
  read(offset: number): BodyPartAnswer {
    const { answered } = this
    if (answered === undefined || offset >= answered.length) return failureAnswer('egress_failed', true)
    const part = partAt(answered, offset)
    if (offset + part.length >= answered.length) this.answered = undefined
    return { ok: true, part }
  }

  clear(): void {
    this.forgetSent()
    this.answered = undefined
  }

  private forgetSent(): void {
    this.sent = []
    this.sentBytes = 0
  }
}
