/** An event store that answers later, because it is behind a server, and how a guest thread reaches one. */
import { errorReportSchema } from '../shared/domain/primitives.ts'
import type { ErrorReport } from '../shared/errors.ts'
import type { EventStore } from './event-store.ts'

/** Name of the host interface that guest threads call; no guest ever imports it. */
export const eventStoreCapability = 'event-store'

/** The methods of an event store that go over the bridge. */
export const remoteMethods = [
  'head',
  'read',
  'history',
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
  'appendAll',
  'restore',
  'deleteSnapshot',
  'setProjection',
  'deleteProjection',
] as const satisfies readonly (keyof EventStore)[]
export type RemoteMethod = (typeof remoteMethods)[number]

export type AsyncEventStore = {
  readonly [M in RemoteMethod]: (...args: Parameters<EventStore[M]>) => Promise<ReturnType<EventStore[M]>>
} & {
  readonly module: string
  append(...args: Parameters<EventStore['append']>): Promise<ReturnType<EventStore['append']>>
  close(): Promise<void>
}

/** What the bridge answers: typed failures of the store travel as data. */
export type RemoteReply =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: ErrorReport }

/** Reads a reply that came over a process boundary; null when it is none. */
export function remoteReply(value: unknown): RemoteReply | null {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return null
  if (value.ok === true) return { ok: true, value: 'value' in value ? value.value : undefined }
  const error = errorReportSchema.safeParse('error' in value ? value.error : undefined)
  return error.success ? { ok: false, error: error.data } : null
}
