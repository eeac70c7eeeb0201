/** Reads `[[subscription]]` (spec nexum-host 3.2). Faults are `manifest.bad_subscription` and name the entry from 1. */
import type { TomlValue } from 'smol-toml'
import type { Subscription } from '../../../shared/domain/module.ts'
import { cronFault } from './cron-schedule.ts'
import { quoted, warn, type TableReader } from './table-reader.ts'

/** Subscriptions of one module. */
const maxSubscriptions = 256
/** Addresses of one log subscription, and values of one topic position. */
const maxFilterValues = 1_000
const kinds = ['block', 'log', 'chain-log', 'cron', 'message', 'decider-events'] as const
/** Event types of one subscription to a decider. */
const maxEventTypes = 256
const addressPattern = /^0x[0-9a-fA-F]{40}$/
const topicPattern = /^0x[0-9a-fA-F]{64}$/
const addressRule = '"0x" and 40 hexadecimal digits'
const topicRule = '"0x" and 64 hexadecimal digits'

export function readSubscriptions(root: TableReader): Subscription[] {
  return root.children('subscription', maxSubscriptions, 'manifest.bad_subscription').map((entry) => {
    const subscription = readSubscription(entry)
    entry.finish()
    return subscription
  })
}

function readSubscription(entry: TableReader): Subscription {
  const kind = entry.choice('kind', kinds)
  switch (kind) {
    case undefined:
      throw entry.fault(
        'kind',
        'is missing; allowed: "block", "log", "cron", "message" or "decider-events"',
        {
          allowed: [...kinds],
        },
      )
    case 'block':
      return { kind, chainId: chainIdOf(entry), backfill: entry.boolean('backfill') ?? true }
    case 'log':
    case 'chain-log':
      return readLog(entry)
    case 'cron':
      return { kind, schedule: scheduleOf(entry) }
    case 'message':
      return { kind, contentTopic: contentTopicOf(entry), echo: entry.boolean('echo') ?? false }
    case 'decider-events':
      return {
        kind,
        module: deciderOf(entry),
        types: eventTypesOf(entry),
        from: entry.choice('from', ['start', 'now'] as const) ?? 'start',
      }
  }
}

/** Name of a decider (spec decider 2). */
function deciderOf(entry: TableReader): string {
  const allowed = 'the name of a decider: at most 128 bytes, without "@", "/" or control characters'
  const module = entry.string('module')
  if (module === undefined) throw entry.fault('module', `is missing; it must be ${allowed}`, { allowed })
  if (module === '' || /[@/\p{Cc}]/u.test(module) || Buffer.byteLength(module) > 128) {
    throw entry.fault('module', `is ${quoted(module)}; it must be ${allowed}`, { allowed })
  }
  return module
}

/** Types of events, each at most 256 bytes (spec decider 10); absent or empty: all. */
function eventTypesOf(entry: TableReader): string[] {
  const value = entry.raw('types') ?? []
  const rule = `a list of at most ${maxEventTypes} event types`
  if (!Array.isArray(value)) throw entry.wrongType('types', value, rule)
  if (value.length > maxEventTypes) throw entry.fault('types', `must be ${rule}`, { allowed: rule })
  return value.map((type, index) => {
    const at = ['types', index]
    if (typeof type !== 'string') throw entry.wrongTypeAt(at, type, 'the type of an event')
    if (type === '' || /\p{Cc}/u.test(type) || Buffer.byteLength(type) > 256) {
      throw entry.faultAt(at, `is ${quoted(type)}; it must be at most 256 bytes without control characters`, {
        allowed: rule,
      })
    }
    return type
  })
}

function chainIdOf(entry: TableReader): string {
  const chainId = entry.unsigned('chain_id')
  if (chainId === undefined) throw entry.fault('chain_id', 'is missing; it must be the number of a chain')
  return chainId
}

function scheduleOf(entry: TableReader): string {
  const schedule = entry.string('schedule')
  if (schedule === undefined) throw entry.fault('schedule', 'is missing; it must have five cron fields')
  const fault = cronFault(schedule)
  if (fault !== null) throw entry.fault('schedule', fault, { value: schedule.slice(0, 256) })
  return schedule.trim().replaceAll(/[ \t]+/g, ' ')
}

/** `/application/version/name/encoding` (spec nexum-host 8.10). */
function contentTopicOf(entry: TableReader): string {
  const allowed = 'of the form /application/version/name/encoding, without blanks, at most 256 bytes'
  const topic = entry.string('content_topic')
  if (topic === undefined)
    throw entry.fault('content_topic', `is missing; it must be ${allowed}`, { allowed })
  if (!/^(?:\/[^/\s]+){4}$/.test(topic) || Buffer.byteLength(topic) > 256) {
    throw entry.fault('content_topic', `is ${quoted(topic)}; it must be ${allowed}`, { allowed })
  }
  return topic
}

function readLog(entry: TableReader): Subscription {
  const chainId = chainIdOf(entry)
  const addresses = hexValues(entry, 'address', entry.raw('address'), addressPattern, addressRule) ?? []
  const signature = signatureOf(entry)
  const topics = topicsOf(entry)
  const first = topics[0]
  if (signature !== null && topics.length > 0) {
    if (first?.length !== 1 || first[0] !== signature) {
      throw entry.fault(
        'event_signature',
        'does not agree with the first entry of topics; keep one of the two',
      )
    }
  }
  const filters = topics.length === 0 && signature !== null ? [[signature]] : topics
  if (addresses.length === 0 && filters.every((filter) => filter === null)) {
    warn(
      entry.context,
      entry.path,
      `this subscription receives every log of chain ${chainId}: it names no address and no topic`,
    )
  }
  return {
    kind: 'log',
    chainId,
    addresses,
    topics: filters,
    resume: entry.boolean('resume') ?? false,
    maxLookback: entry.integer('max_lookback', 0) ?? null,
    batch: entry.boolean('batch') ?? false,
  }
}

function signatureOf(entry: TableReader): string | null {
  const text = entry.string('event_signature')
  if (text === undefined) return null
  if (!topicPattern.test(text)) {
    throw entry.fault('event_signature', `is ${quoted(text)}; it must be ${topicRule}`, {
      allowed: topicRule,
    })
  }
  return text.toLowerCase()
}

/** Positions of topics; null means anything at that position. */
function topicsOf(entry: TableReader): (string[] | null)[] {
  const value = entry.raw('topics')
  if (value === undefined) return []
  if (!Array.isArray(value)) throw entry.wrongType('topics', value, 'a list of at most 4 positions')
  if (value.length > 4)
    throw entry.fault('topics', `has ${value.length} positions; at most 4 are allowed`, { allowed: 4 })
  return value.map((position, index) => {
    if (position === '') return null
    return hexValues(entry, ['topics', index], position, topicPattern, topicRule) ?? null
  })
}

/** One hex text or a list of them, lower-case; undefined when absent. An empty list is a fault: it would match nothing. */
function hexValues(
  entry: TableReader,
  where: string | readonly (string | number)[],
  value: TomlValue | undefined,
  pattern: RegExp,
  rule: string,
): string[] | undefined {
  if (value === undefined) return undefined
  const path = typeof where === 'string' ? [where] : where
  const items = Array.isArray(value) ? value : [value]
  if (items.length === 0 || items.length > maxFilterValues) {
    throw entry.faultAt(path, `has ${items.length} entries; allowed: 1 to ${maxFilterValues}`, {
      allowed: rule,
    })
  }
  return items.map((item, index) => {
    const at = Array.isArray(value) ? [...path, index] : path
    if (typeof item !== 'string') throw entry.wrongTypeAt(at, item, rule)
    if (!pattern.test(item))
      throw entry.faultAt(at, `is ${quoted(item)}; it must be ${rule}`, { allowed: rule })
    return item.toLowerCase()
  })
}
