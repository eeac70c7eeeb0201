/**
 * The versions of the protocol: published ones are frozen, a change is a new one (spec actors-sql 13). Each converter lists
 * every message; there is no catch-all, so that a new message does not compile until its fate is decided.
 */
import { PaddockError } from '../../../../shared/errors.ts'
import {
  featureVersions,
  maxMessageBytes,
  methodFeatures,
  toGuestSchema,
  toHostSchema,
  type Feature,
  type ToGuest,
  type ToHost,
} from './messages.ts'
import { fromWire, toWire } from './values.ts'

export const oldestVersion = 1
export const newestVersion = 2
export type Direction = 'to-host' | 'to-guest'

/** A feature that the negotiated version has not: typed with four fields, never a decode error. */
export function incompatible(
  feature: string,
  direction: Direction,
  requiredVersion: number,
  targetVersion: number,
): PaddockError {
  return new PaddockError(
    'sqlite.remote_unavailable',
    `${feature} needs version ${requiredVersion} of the protocol; version ${targetVersion} is spoken.`,
    {
      details: { feature, direction, requiredVersion, targetVersion },
      remedy: 'Bring both engines to the same version.',
    },
  )
}

/** The highest version that both speak, or undefined. */
export function commonVersion(
  ours: { readonly minimum: number; readonly maximum: number },
  theirs: { readonly minimum: number; readonly maximum: number },
): number | undefined {
  const version = Math.min(ours.maximum, theirs.maximum)
  return version >= Math.max(ours.minimum, theirs.minimum) ? version : undefined
}

export function featuresOf(version: number): Feature[] {
  return (Object.keys(featureVersions) as Feature[]).filter((feature) => featureVersions[feature] <= version)
}

/** Text of a message in that version. Throws `sqlite.remote_unavailable` with four fields for what it has not. */
export function encodeToHost(message: ToHost, version: number): string {
  return envelope(version, version === 1 ? toHostV1(message) : toHostV2(message))
}

export function encodeToGuest(message: ToGuest, version: number): string {
  return envelope(version, version === 1 ? toGuestV1(message) : toGuestV2(message))
}

/** Reads a message of the other side. Throws `sandbox.protocol` when it is none of that version. */
export function decodeToHost(text: string, version: number): ToHost {
  const parsed = toHostSchema.safeParse(fromWire(opened(text, version)))
  if (!parsed.success) throw malformed(parsed.error.issues[0]?.path.join('.') ?? '')
  // An old payload must not pass for something that its version never had.
  encodeToHost(parsed.data, version)
  return parsed.data
}

export function decodeToGuest(text: string, version: number): ToGuest {
  const parsed = toGuestSchema.safeParse(fromWire(opened(text, version)))
  if (!parsed.success) throw malformed(parsed.error.issues[0]?.path.join('.') ?? '')
  encodeToGuest(parsed.data, version)
  return parsed.data
}

function toHostV1(message: ToHost): ToHost {
  switch (message.type) {
    case 'hello':
    case 'announce':
    case 'retire':
    case 'destroy':
      return message
    case 'sql': {
      const feature = methodFeatures[message.method]
      switch (feature) {
        case 'sql':
          return message
        case 'batch':
        case 'key-value':
        case 'inspect':
          throw incompatible(feature, 'to-host', featureVersions[feature], 1)
      }
    }
  }
}

function toHostV2(message: ToHost): ToHost {
  switch (message.type) {
    case 'hello':
    case 'announce':
    case 'retire':
    case 'destroy':
    case 'sql':
      return message
  }
}

function toGuestV1(message: ToGuest): ToGuest {
  switch (message.type) {
    case 'welcome':
    case 'refused':
    case 'done':
    case 'answer':
      return message
  }
}

function toGuestV2(message: ToGuest): ToGuest {
  switch (message.type) {
    case 'welcome':
    case 'refused':
    case 'done':
    case 'answer':
      return message
  }
}

/** Throws `sqlite.limit_exceeded` for what the other side would end the connection over: then this message fails alone. */
function envelope(version: number, message: ToHost | ToGuest): string {
  const text = JSON.stringify([version, toWire(message)])
  const actual = text.length * 3 <= maxMessageBytes ? 0 : Buffer.byteLength(text, 'utf8')
  if (actual <= maxMessageBytes) return text
  throw new PaddockError('sqlite.limit_exceeded', `A message of ${actual} bytes is too long to be sent.`, {
    details: { limit: 'message', maximum: maxMessageBytes, actual },
  })
}

/** The version stands first in every message; the first ones of a connection are in the oldest. */
function opened(text: string, version: number): unknown {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new PaddockError('sandbox.protocol', 'A message of the other engine is not JSON.', { cause })
  }
  if (!Array.isArray(parsed) || parsed.length !== 2 || parsed[0] !== version) {
    throw new PaddockError('sandbox.protocol', `A message of the other engine is not of version ${version}.`)
  }
  return (parsed as unknown[])[1]
}

function malformed(where: string): PaddockError {
  return new PaddockError(
    'sandbox.protocol',
    `A message of the other engine is not of the protocol (at "${where}").`,
  )
}
