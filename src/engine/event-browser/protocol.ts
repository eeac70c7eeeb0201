/** What the engine and the event reader thread say to each other. */
import type { RequestReply } from '../request-thread.ts'
import type { EventStoreReader } from '../../event-store/event-store.ts'

/** The methods of a reader that the thread answers. */
export const readerMethods = [
  'head',
  'read',
  'findCommand',
  'commandOf',
  'getSnapshot',
  'snapshotsOf',
  'feed',
  'streams',
  'projection',
  'projections',
  'totals',
  'integrityCheck',
] as const satisfies readonly (keyof EventStoreReader)[]
export type ReaderMethod = (typeof readerMethods)[number]

/** An event store to look at, answering later. */
export type AsyncEventReader = {
  readonly [M in ReaderMethod]: (
    ...args: Parameters<EventStoreReader[M]>
  ) => Promise<ReturnType<EventStoreReader[M]>>
}

/** Copies of a store, or a store of a copy. */
export interface Carriage {
  readonly decisions: number
  readonly events: number
  readonly module: string
}

export type EventRequest =
  | {
      readonly id: number
      readonly path: string
      readonly method: ReaderMethod
      readonly args: readonly unknown[]
    }
  | { readonly id: number; readonly path: string; readonly method: 'module' | 'changes' | 'close' }
  | {
      readonly id: number
      readonly path: string
      readonly method: 'export' | 'backup' | 'import'
      readonly file: string
    }

export type EventReply = RequestReply<unknown>
