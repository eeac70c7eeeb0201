import { z } from 'zod'

const positive = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

/** What one module may use (DESIGN.md "Limits", spec nexum-host 5.3). */
export const moduleLimitsSchema = z.object({
  /** Instructions per guest call, in fuel units. */
  fuelPerCall: positive,
  /** Linear memory, summed over the module's memories, in bytes. */
  memoryBytes: positive,
  /** Wall clock per guest call, host waits included, in milliseconds. */
  deadlineMs: positive,
  /** Store size by the cost formula of spec nexum-host 8.5, in bytes. 0 means no writes. */
  storeBytes: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  /** Events that may wait; more drop the oldest. */
  queueEvents: positive,
})
export type ModuleLimits = z.infer<typeof moduleLimitsSchema>

const boundsSchema = z.object({ min: z.number().int(), max: z.number().int() })

/** What the operator may set, inclusive; depends on the machine. */
export const limitBoundsSchema = z.object({
  fuelPerCall: boundsSchema,
  memoryBytes: boundsSchema,
  deadlineMs: boundsSchema,
  storeBytes: boundsSchema,
  queueEvents: boundsSchema,
})
export type LimitBounds = z.infer<typeof limitBoundsSchema>

export const defaultLimits: ModuleLimits = {
  fuelPerCall: 1_000_000_000,
  memoryBytes: 64 * 1024 * 1024,
  deadlineMs: 120_000,
  storeBytes: 50 * 1024 * 1024,
  queueEvents: 256,
}

/** Bytes the host copies for one call in either direction; more is a trap (spec nexum-host 13). */
export const maxCallBytes = 64 * 1024 * 1024
/** Entries of one `request-batch` (spec nexum-host 8.6). */
export const maxChainBatchEntries = 1_000
/**
 * Characters of methods and params in one chain call: as much as an answer may bring. More would hold up the engine's
 * main thread, which reads them, and so every other module.
 */
export const maxChainCallCharacters = 1_048_576
/** Payload of one message, and characters of a topic (spec nexum-host 8.10). */
export const maxMessageBytes = 153_600
export const maxTopicCharacters = 256
/** Content of the remote store (spec nexum-host 8.9). */
export const maxRemoteContentBytes = 33_554_432
/** Characters or bytes of one call to an order book: method, path and body. */
export const maxOrderBookRequestCharacters = 4_194_304
/** Body of one HTTP request of a guest: as much as an answer may bring (spec nexum-host 5.3). */
export const maxHttpRequestBytes = 16_777_216
/** What one signature may cover (spec nexum-host 8.11): bytes of a message, and of typed data as JSON text. */
export const maxSignedMessageBytes = 1_048_576
export const maxTypedDataCharacters = 262_144
/** Elements of one table (spec nexum-host 13). */
export const maxTableElements = 10_000
/**
 * Cap of each V8 heap in a sandbox process, in MiB: one call may carry 64 MiB each way, which as two-byte
 * strings is twice that; the rest is our own code and slack. V8 itself ends what exceeds it, also between two
 * samples of the resident memory. Linear memory and compiled code are not on this heap.
 */
export const sandboxHeapMb = 192
/** Size of a component file Paddock reads. */
export const maxComponentBytes = 64 * 1024 * 1024
/** Size of one log record; longer ones are cut and marked (spec nexum-host 5.3). */
export const maxLogRecordBytes = 8_192
