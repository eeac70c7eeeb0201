// What a stage is given, and what it gives.
import type { OutputElement, StreamElement } from 'torvyn:streaming/types@0.1.0'
import { allocate } from 'torvyn:streaming/buffer-allocator@0.1.0'
import { wellFormed } from '../guest/text.ts'
import { describe, fail } from './failure.ts'
import { decodeText, encodeText } from './text.ts'

const nsPerMs = 1_000_000

/** An element, lent for one call: keep what you read of it, not itself. Nothing is copied until its bytes are asked for. */
export class Element {
  private readonly given: StreamElement

  constructor(given: StreamElement) {
    this.given = given
  }

  /** Counted by this stage, from 0. */
  get sequence(): number {
    return this.given.meta.sequence
  }

  /** When its source was asked for it, in Unix milliseconds; 256 ns is all that a number can tell. */
  get timestampMs(): number {
    return this.given.meta.timestampNs / nsPerMs
  }

  get contentType(): string {
    return this.given.meta.contentType
  }

  /** In bytes. */
  get size(): number {
    return this.given.payload.size()
  }

  /** 32 hexadecimal digits, or empty when tracing is off. */
  get traceId(): string {
    return this.given.context.traceId()
  }

  /** Name and number of the run. */
  get flowId(): string {
    return this.given.context.flowId()
  }

  /** Milliseconds that are left for this call; 0 without a limit. */
  get remainingMs(): number {
    return this.given.context.deadlineNs() / nsPerMs
  }

  /** A copy of the bytes. */
  bytes(): Uint8Array {
    return this.given.payload.readAll()
  }

  /** At most `length` bytes from `offset` on. */
  read(offset: number, length: number): Uint8Array {
    return this.given.payload.read(offset, length)
  }

  /** Fails with invalid-input where the bytes are not UTF-8. */
  text(): string {
    const bytes = this.bytes()
    try {
      return decodeText(bytes)
    } catch {
      return fail.invalidInput('The element is not UTF-8 text.')
    }
  }

  /** Fails with invalid-input where the text is not JSON. */
  json(): unknown {
    const text = this.text()
    try {
      return JSON.parse(text)
    } catch (error) {
      return fail.invalidInput(`The element is not JSON: ${describe(error)}`)
    }
  }
}

export type Content = string | Uint8Array

/** Text is UTF-8 and `text/plain` unless it says otherwise; bytes have no content type of their own. */
export type Output = Content | { readonly content: Content; readonly contentType: string }

/** An output of JSON. */
export function json(value: unknown): Output {
  const content: unknown = JSON.stringify(value)
  if (typeof content !== 'string') throw new TypeError('The value has no JSON.')
  return { content, contentType: 'application/json' }
}

/** The output in a buffer of the host. Number and time are given by the runtime. */
export function elementOf(output: Output): OutputElement {
  const { content, contentType } = partsOf(output)
  const bytes = typeof content === 'string' ? encodeText(content) : content
  if (!(bytes instanceof Uint8Array)) throw new TypeError('An output must be text or bytes.')
  const buffer = allocate(bytes.length)
  buffer.append(bytes)
  return {
    meta: { sequence: 0, timestampNs: 0, contentType: wellFormed(contentType) },
    payload: buffer.freeze(),
  }
}

function partsOf(output: Output): { content: Content; contentType: string } {
  if (typeof output === 'string') return { content: output, contentType: 'text/plain' }
  if (output instanceof Uint8Array) return { content: output, contentType: '' }
  return output
}
