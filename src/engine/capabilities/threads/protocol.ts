/** Messages between a `ThreadClient` and its thread. Both ends are ours; typed, not validated twice. */
import type { ErrorReport } from '../../../shared/errors.ts'

/** Each operation with what it takes and answers. */
export type ThreadOperations<Operations> = Record<
  keyof Operations,
  { readonly query: unknown; readonly answer: unknown }
>

/** Operation null ends the thread. */
export interface ThreadRequest {
  readonly id: number
  readonly operation: string | null
  readonly query: unknown
}

export type ThreadReply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly error: ErrorReport }
