import { z } from 'zod'
import { destinationSchema, positive, timeoutMs, wholeNumber } from './common.ts'

/** The ceilings of spec nexum-host 5.3 `limits.*`, for every module; a manifest narrows them, never widens. */
export const operatorLimitsSchema = z.strictObject({
  /** Fuel units per guest call, instantiation and `init` included. */
  fuelPerEvent: positive.default(1_000_000_000),
  /** Bytes of linear memory. */
  memoryBytes: positive.default(67_108_864),
  /** Wall clock per guest call, host waits included, in milliseconds. */
  eventDeadlineMs: timeoutMs.default(120_000),
  /** Bytes of the local store by the cost formula of spec 8.5; 0 means no writes. */
  stateBytes: wholeNumber.default(52_428_800),
  chain: z
    .strictObject({
      /** Largest answer of a node handed to a guest, in bytes (spec 8.6). */
      responseBodyMaxBytes: positive.default(1_048_576),
    })
    .prefault({}),
  http: z
    .strictObject({
      connectTimeoutMaxMs: timeoutMs.default(10_000),
      firstByteTimeoutMaxMs: timeoutMs.default(30_000),
      betweenBytesTimeoutMaxMs: timeoutMs.default(30_000),
      totalDeadlineMs: timeoutMs.default(60_000),
      /** Largest answer, in bytes; 0 allows empty ones only. */
      responseBodyMaxBytes: wholeNumber.default(16_777_216),
      /** Private addresses every module may reach, if its allowlist names the host. */
      permitDestinations: z.array(destinationSchema).max(256).default([]),
    })
    .prefault({}),
  /** A module that fails `maxFailures` times within `windowMs`, or so often in a row, is dead (spec 12.4). */
  poison: z
    .strictObject({
      maxFailures: positive.default(5),
      windowMs: positive.default(600_000),
      /** Where the manifest does not say. */
      maxConsecutiveFailures: positive.default(10),
    })
    .prefault({}),
  /** Token bucket and queue before each module (spec 11). */
  dispatch: z
    .strictObject({
      burst: positive.default(256),
      refillPerSec: positive.default(128),
      queue: positive.default(256),
    })
    .prefault({}),
  /** Log rings in memory, per module (spec 14.1). */
  logs: z
    .strictObject({
      bytesPerRun: positive.default(262_144),
      runsRetained: positive.default(16),
      maxRecordBytes: positive.max(16_384).default(8_192),
    })
    .prefault({}),
})
export type OperatorLimits = z.infer<typeof operatorLimitsSchema>
