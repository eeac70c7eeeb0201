/** The REST API of a Waku node (nwaku): relay with automatic sharding, and store. Answers are checked. */
import { z } from 'zod'
import type { EgressResponse } from '../../../egress/types.ts'
import { kindOfStatus } from '../../egress-failure.ts'
import { urlBelow, type SendToService } from '../../services/service-http.ts'
import { messagingFailure } from '../failure.ts'

const timeoutMs = 15_000
/** A node's relay cache holds up to 50 messages of a topic, in base64 inside JSON. */
const maxResponseBytes = 24 * 1024 * 1024
/** Messages a node answers with at once. */
const pageSize = 100

export interface WakuMessage {
  readonly contentTopic: string
  readonly payload: Uint8Array
  /** Unix nanoseconds, set by the sender. */
  readonly timestampNs: bigint
}

const messageSchema = z.object({
  payload: z.base64(),
  contentTopic: z.string(),
  // A nanosecond does not fit a JSON number of JavaScript: made text before parsing.
  timestamp: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
})
const relaySchema = z.array(messageSchema)
const storeSchema = z.object({
  messages: z.array(z.object({ messageHash: z.string(), message: messageSchema.optional() })),
  paginationCursor: z.string().optional(),
})

export class WakuClient {
  private readonly node: string
  private readonly send: SendToService

  constructor(node: string, send: SendToService) {
    this.node = node
    this.send = send
  }

  async subscribe(topics: readonly string[], signal: AbortSignal): Promise<void> {
    await this.request('POST', ['relay', 'v1', 'auto', 'subscriptions'], signal, { body: topics })
  }

  async unsubscribe(topics: readonly string[], signal: AbortSignal): Promise<void> {
    await this.request('DELETE', ['relay', 'v1', 'auto', 'subscriptions'], signal, { body: topics })
  }

  async publish(message: WakuMessage, signal: AbortSignal): Promise<void> {
    const { contentTopic, payload, timestampNs } = message
    // By hand, for the time must keep its nanoseconds.
    const text =
      `{"payload":"${Buffer.from(payload).toString('base64')}",` +
      `"contentTopic":${JSON.stringify(contentTopic)},"version":0,"timestamp":${timestampNs}}`
    await this.request('POST', ['relay', 'v1', 'auto', 'messages'], signal, { text })
  }

  /** What arrived on a topic since the last call; null when the node does not know the subscription (any more). */
  async drain(topic: string, signal: AbortSignal): Promise<WakuMessage[] | null> {
    const response = await this.exchange('GET', ['relay', 'v1', 'auto', 'messages', topic], signal)
    if (response.status === 404) return null
    return parsed(relaySchema, accepted(response)).map(toWakuMessage)
  }

  /** The newest `limit` stored messages of a topic between both bounds, oldest first; null where the node stores none. */
  async history(
    topic: string,
    startNs: bigint,
    endNs: bigint,
    limit: number,
    signal: AbortSignal,
  ): Promise<WakuMessage[] | null> {
    const found: WakuMessage[] = []
    let cursor: string | undefined
    while (found.length < limit) {
      const response = await this.exchange('GET', ['store', 'v3', 'messages'], signal, {
        query: {
          contentTopics: topic,
          includeData: 'true',
          ascending: 'false',
          pageSize: String(Math.min(pageSize, limit - found.length)),
          ...(startNs > 0n ? { startTime: String(startNs) } : {}),
          ...(endNs < maxTimeNs ? { endTime: String(endNs) } : {}),
          ...(cursor === undefined ? {} : { cursor }),
        },
      })
      // No store protocol on the node, or no peer that stores.
      if (response.status === 404 || response.status === 412) return null
      const page = parsed(storeSchema, accepted(response))
      // A page is in ascending order even where pages go backwards.
      const messages = page.messages.flatMap(({ message }) => (message === undefined ? [] : [message]))
      found.push(...messages.map(toWakuMessage).sort(newestFirst))
      cursor = page.paginationCursor
      // A page without any message brings no end nearer, whatever cursor comes with it.
      if (cursor === undefined || messages.length === 0) break
    }
    return found.slice(0, limit).reverse()
  }

  private async request(
    method: string,
    path: readonly string[],
    signal: AbortSignal,
    parts: RequestParts,
  ): Promise<EgressResponse> {
    return accepted(await this.exchange(method, path, signal, parts))
  }

  private exchange(
    method: string,
    path: readonly string[],
    signal: AbortSignal,
    { body, text, query = {} }: RequestParts = {},
  ): Promise<EgressResponse> {
    const url = urlBelow(this.node, ...path)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const json = text ?? (body === undefined ? undefined : JSON.stringify(body))
    return this.send({
      method,
      url,
      headers: json === undefined ? [['accept', 'application/json']] : [['content-type', 'application/json']],
      timeoutMs,
      maxResponseBytes,
      signal,
      ...(json === undefined ? {} : { body: Buffer.from(json) }),
    })
  }
}

/** Times of a node are signed 64-bit numbers. */
export const maxTimeNs = 2n ** 63n - 1n

interface RequestParts {
  readonly body?: readonly string[]
  readonly text?: string
  readonly query?: Readonly<Record<string, string>>
}

function accepted(response: EgressResponse): EgressResponse {
  const { status } = response
  if (status >= 200 && status < 300) return response
  const kind = status < 400 ? 'unavailable' : kindOfStatus(status)
  throw messagingFailure(kind, `The node answered with HTTP ${status}.`, { code: status })
}

function parsed<T>(schema: z.ZodType<T>, { body }: EgressResponse): T {
  try {
    const text = Buffer.from(body).toString('utf8')
    // Quotes inside a text are escaped, so that this finds members alone.
    const exact = text.replaceAll(/"timestamp"\s*:\s*(\d+)/g, '"timestamp":"$1"')
    return schema.parse(JSON.parse(exact))
  } catch (cause) {
    throw messagingFailure('unavailable', 'The node answered with something else than messages.', { cause })
  }
}

function toWakuMessage({ contentTopic, payload, timestamp }: z.infer<typeof messageSchema>): WakuMessage {
  return { contentTopic, payload: Buffer.from(payload, 'base64'), timestampNs: BigInt(timestamp ?? '0') }
}

function newestFirst(one: WakuMessage, other: WakuMessage): number {
  return one.timestampNs < other.timestampNs ? 1 : one.timestampNs > other.timestampNs ? -1 : 0
}
