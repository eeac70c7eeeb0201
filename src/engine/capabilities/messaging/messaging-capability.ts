import { z } from 'zod'
import { moduleGrants } from '../../../shared/domain/operator/grants.ts'
import type { Clock } from '../../clock.ts'
import type { MessageEvent } from '../../events/message-source.ts'
import { TokenBucket } from '../../token-bucket.ts'
import type { Capability, HostCallContext } from '../capability.ts'
import type { MessagingBackend } from './backend.ts'
import { messagingFailure } from './failure.ts'
import {
  defaultQueryLimit,
  maxPayloadBytes,
  maxQueryLimit,
  publishBurst,
  publishesPerSecond,
} from './limits.ts'
import { isContentTopic, isTopicGranted } from './topics.ts'

const u64 = z.bigint().min(0n).max(0xffff_ffff_ffff_ffffn)
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const publishArgs = z.tuple([z.string(), bytes])
const queryArgs = z.tuple([
  z.string(),
  u64.optional(),
  u64.optional(),
  z.number().int().min(0).max(0xffff_ffff).optional(),
])

/** The WIT record `message`. */
export interface GuestMessage {
  readonly contentTopic: string
  readonly payload: Uint8Array
  readonly timestamp: bigint
  readonly sender: Uint8Array | undefined
}

/** `nexum:host/messaging`: grammar, size, grants and rate are checked here, before any backend (spec nexum-host 8.10). */
export function createMessagingCapability(backend: MessagingBackend, clock: Clock): Capability {
  const buckets = new Map<string, TokenBucket>()
  const mayPublish = (module: string): boolean => {
    const bucket = buckets.get(module) ?? new TokenBucket(clock, publishBurst, publishesPerSecond)
    buckets.set(module, bucket)
    return bucket.tryTake()
  }
  return {
    name: 'messaging',
    functions: {
      publish: async (args, context) => {
        const [topic, payload] = checked(publishArgs, args)
        checkTopic(topic)
        if (payload.length > maxPayloadBytes) throw invalid('The payload is larger than is allowed.')
        if (isLegacy(context)) {
          throw messagingFailure('unsupported', 'A module without capabilities publishes nothing.', {
            code: 501,
          })
        }
        checkGrant(topic, context)
        if (!mayPublish(context.module)) {
          throw messagingFailure('rate-limited', 'The module publishes too often.', { code: 429 })
        }
        await backend.publish(context.module, topic, payload, context.signal)
        return undefined
      },
      query: async (args, context) => {
        const [topic, start, end, limit] = checked(queryArgs, withAbsent(args, 4))
        checkTopic(topic)
        if (start !== undefined && end !== undefined && start > end) {
          throw invalid('The start is after the end.')
        }
        if (isLegacy(context)) return []
        checkGrant(topic, context)
        const messages = await backend.query(
          {
            contentTopic: topic,
            startMs: start ?? 0n,
            endMs: end ?? 0xffff_ffff_ffff_ffffn,
            limit: Math.min(limit ?? defaultQueryLimit, maxQueryLimit),
          },
          context.signal,
        )
        return messages.map(toGuestMessage)
      },
    },
  }
}

function toGuestMessage({ contentTopic, payload, timestampMs, sender }: MessageEvent): GuestMessage {
  return { contentTopic, payload, timestamp: BigInt(timestampMs), sender: sender ?? undefined }
}

/** Options that are absent may not be in the list at all. */
function withAbsent(args: readonly unknown[], length: number): unknown[] {
  return [...args, ...Array<undefined>(Math.max(0, length - args.length)).fill(undefined)]
}

/** A manifest without capabilities: as with the reference, it publishes nothing and finds nothing (spec 8.10). */
function isLegacy({ manifest }: HostCallContext): boolean {
  return manifest.capabilities.policy === 'legacy'
}

function checkTopic(topic: string): void {
  if (!isContentTopic(topic)) {
    throw invalid(
      'A topic has the form /application/version/name/encoding, without blanks, at most 256 bytes.',
    )
  }
}

function checkGrant(topic: string, { manifest, record }: HostCallContext): void {
  const asked = manifest.capabilities.messagingTopics
  const { refusedTopics } = moduleGrants(record)
  const granted = asked?.filter((each) => !refusedTopics.includes(each)) ?? null
  // What is refused by its own name stays so, whatever wider pattern is granted.
  const isRefused = refusedTopics.includes(topic) || (asked === null && isTopicGranted(topic, refusedTopics))
  if (!isRefused && isTopicGranted(topic, granted)) return
  throw messagingFailure('denied', 'The topic is not among those the module was granted.')
}

function checked<T>(schema: z.ZodType<T>, args: readonly unknown[]): T {
  const parsed = schema.safeParse(args)
  if (parsed.success) return parsed.data
  throw invalid('The call does not have the shape of its interface.')
}

function invalid(message: string): Error {
  return messagingFailure('invalid-input', message)
}
