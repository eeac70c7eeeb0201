/** What the message thread is asked. */
import type { MessageEvent } from '../../../events/message-source.ts'

export interface MessageThreadData {
  /** The SQLite file. */
  readonly file: string
  readonly maxAgeMs: number
  /** Per topic. */
  readonly maxMessages: number
}

export interface MessageQuery {
  readonly contentTopic: string
  /** Both inclusive, Unix milliseconds. */
  readonly startMs: bigint
  readonly endMs: bigint
  /** The newest so many, oldest first. */
  readonly limit: number
}

export type MessageOperations = {
  /** Kept when answered. `nowMs` decides what has become too old. */
  append: { query: { readonly message: MessageEvent; readonly nowMs: number }; answer: null }
  query: { query: MessageQuery & { readonly nowMs: number }; answer: MessageEvent[] }
}
