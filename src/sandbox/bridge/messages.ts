/** What the two threads of a sandbox process say to each other. Both are our own code: types suffice. */
import type { MessagePort } from 'node:worker_threads'
import type { GuestLogRecord } from '../../shared/domain/log.ts'
import type { ErrorReport } from '../../shared/errors.ts'
import type {
  CallReply,
  GuestCall,
  HostCall,
  HostOutcome,
  LoadResult,
  LoadSpec,
} from '../../shared/sandbox/protocol.ts'

/** Given to the guest thread when it starts. */
export interface GuestThreadData {
  readonly control: SharedArrayBuffer
  readonly port: MessagePort
}

export interface QueuedCall {
  /** Names the call in the control block. */
  readonly ordinal: number
  readonly call: GuestCall
}

export type ToGuest =
  | { readonly type: 'load'; readonly spec: LoadSpec }
  | { readonly type: 'calls'; readonly calls: readonly QueuedCall[] }
  | { readonly type: 'host-reply'; readonly id: number; readonly outcome: HostOutcome }
  | { readonly type: 'link'; readonly linkages: LoadSpec['capabilities'] }
  | { readonly type: 'mail'; readonly letters: readonly unknown[] }
  /** The call with this id is not to be started. */
  | { readonly type: 'drop'; readonly id: number }
  /** Start nothing more, close the store, end. */
  | { readonly type: 'stop' }

export type FromGuest =
  | { readonly type: 'loaded'; readonly result: LoadResult }
  | {
      readonly type: 'output'
      readonly reply: CallReply | null
      readonly records: readonly GuestLogRecord[]
      readonly dropped: number
    }
  | { readonly type: 'host-call'; readonly call: HostCall }
  | { readonly type: 'mail'; readonly letter: unknown }
  /** The running call marks steps; a budget of one that passes ends the thread with the step named. */
  | { readonly type: 'steps'; readonly names: readonly string[] }
  | { readonly type: 'closed'; readonly error: ErrorReport | null }
