/** Remote content on Swarm through a Bee node's API (spec nexum-host 8.9). What the node answers is checked. */
import { bytesToHex, hexToBytes } from 'viem'
import { z } from 'zod'
import type { Clock } from '../../../clock.ts'
import type { EgressResponse } from '../../../egress/types.ts'
import { kindOfStatus } from '../../egress-failure.ts'
import { headerOf, urlBelow, type SendToService } from '../../services/service-http.ts'
import { remoteStoreFailure, type RemoteStoreBackend } from '../backend.ts'
import { FeedWriter, type FeedSignerSource } from '../feed-writer.ts'
import { maxContentBytes } from '../limits.ts'
import type { ContentStore } from '../local/content-store.ts'
import { sameBytes } from '../swarm/chunk.ts'
import {
  feedData,
  feedIdentifier,
  isSignedByOwner,
  ownedAddress,
  parseOwnedChunk,
  wrappedChunk,
  type FeedUpdate,
} from '../swarm/feed.ts'

const timeoutMs = 60_000
/** Answers other than content. */
const maxSmallBytes = 64 * 1024

const referenceAnswer = z.object({ reference: z.string().regex(/^[0-9a-fA-F]{64}$/) })
const feedIndex = z.string().regex(/^[0-9a-fA-F]{16}$/)

export interface BeeOptions {
  /** Address of the node's API. */
  readonly api: string
  /** 64 hexadecimal digits, or null: nothing can be written then. */
  readonly postageBatch: string | null
  readonly signer: FeedSignerSource
  readonly clock: Clock
  /** Content that was uploaded or downloaded once is kept here as well. */
  readonly cache: ContentStore
  readonly send: SendToService
}

export class BeeBackend implements RemoteStoreBackend {
  private readonly options: BeeOptions
  private readonly writer: FeedWriter

  constructor(options: BeeOptions) {
    this.options = options
    this.writer = new FeedWriter(options.signer, options.clock, options.cache, {
      nextIndex: (owner, topic, signal) => this.nextIndex(owner, topic, signal),
      publish: (update, signal) => this.publish(update, signal),
    })
  }

  async upload(data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const batch = this.batch()
    const response = await this.request('POST', ['bytes'], signal, {
      body: data,
      headers: [
        ['content-type', 'application/octet-stream'],
        ['swarm-postage-batch-id', batch],
      ],
    })
    const reference = referenceOf(response)
    // A node that stored something else must not pass for one that stored this.
    if (!(await this.options.cache.putVerified(reference, data))) {
      throw remoteStoreFailure('unavailable', 'The node answered with the reference of other content.')
    }
    return reference
  }

  async download(reference: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { cache } = this.options
    const held = await cache.get(reference)
    if (held !== null) return held
    const response = await this.request('GET', ['bytes', hex(reference)], signal, {
      maxResponseBytes: maxContentBytes,
      missing: 'unavailable',
    })
    if (await cache.putVerified(reference, response.body)) return response.body
    throw remoteStoreFailure('unavailable', 'The node answered with other content than was asked for.')
  }

  async readFeed(owner: Uint8Array, topic: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const found = await this.lookUp(owner, topic, signal)
    if (found === null) return undefined
    const { index, update } = found
    await this.options.cache.putFeed(owner, topic, { index, ...update }, false)
    const data = feedData(update)
    if (data === null) throw remoteStoreFailure('internal', 'The newest update of the feed is too short.')
    return data
  }

  writeFeed(topic: Uint8Array, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    this.batch()
    return this.writer.write(topic, data, signal)
  }

  /** The newest update that the node knows, its signature checked; null where it knows none. */
  private async lookUp(
    owner: Uint8Array,
    topic: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly index: bigint; readonly update: FeedUpdate } | null> {
    const headers = await this.feedHead(owner, topic, signal)
    if (headers === null) return null
    const index = indexOf(headers, 'swarm-feed-index')
    const identifier = feedIdentifier(topic, index)
    // The chunk itself, for the answer about the feed may be what its update refers to.
    const response = await this.request('GET', ['chunks', hex(ownedAddress(identifier, owner))], signal, {
      missing: 'unavailable',
    })
    const update = parseOwnedChunk(response.body, owner)
    if (update === null || !sameBytes(update.identifier, identifier) || !(await isSignedByOwner(update))) {
      throw remoteStoreFailure('unavailable', 'The node answered with an update its owner did not sign.')
    }
    return { index, update }
  }

  private async nextIndex(owner: Uint8Array, topic: Uint8Array, signal: AbortSignal): Promise<bigint> {
    const headers = await this.feedHead(owner, topic, signal)
    const ofNode = headers === null ? 0n : indexOf(headers, 'swarm-feed-index') + 1n
    // A node may not find yet what was written a moment ago.
    const held = await this.options.cache.feed(owner, topic)
    const ofHost = held === null ? 0n : held.index + 1n
    return ofNode > ofHost ? ofNode : ofHost
  }

  /** What the node says of a feed; null for a feed without updates, which nodes answer with 404 or 500. */
  private async feedHead(
    owner: Uint8Array,
    topic: Uint8Array,
    signal: AbortSignal,
  ): Promise<EgressResponse | null> {
    const response = await this.exchange('GET', ['feeds', hex(owner), hex(topic)], signal, {
      headers: [['swarm-only-root-chunk', 'true']],
      maxResponseBytes: maxContentBytes,
    })
    if (response.status === 404 || response.status === 500) return null
    return accepted(response)
  }

  private async publish(update: FeedUpdate, signal: AbortSignal): Promise<Uint8Array> {
    const address = ownedAddress(update.identifier, update.owner)
    const response = await this.request('POST', ['soc', hex(update.owner), hex(update.identifier)], signal, {
      query: { sig: hex(update.signature) },
      body: wrappedChunk(update),
      headers: [
        ['content-type', 'application/octet-stream'],
        ['swarm-postage-batch-id', this.batch()],
      ],
    })
    if (!sameBytes(referenceOf(response), address)) {
      throw remoteStoreFailure('unavailable', 'The node wrote the update to another address.')
    }
    return address
  }

  private batch(): string {
    const { postageBatch } = this.options
    if (postageBatch !== null) return postageBatch
    throw remoteStoreFailure('unsupported', 'No postage batch is set on this host.', { code: 501 })
  }

  private async request(
    method: string,
    path: readonly string[],
    signal: AbortSignal,
    parts: RequestParts & { readonly missing?: 'unavailable' } = {},
  ): Promise<EgressResponse> {
    const response = await this.exchange(method, path, signal, parts)
    if (response.status === 404 && parts.missing !== undefined) {
      throw remoteStoreFailure('unavailable', 'The node does not find it.', { code: 404 })
    }
    return accepted(response)
  }

  private exchange(
    method: string,
    path: readonly string[],
    signal: AbortSignal,
    { headers = [], body, query = {}, maxResponseBytes = maxSmallBytes }: RequestParts,
  ): Promise<EgressResponse> {
    const url = urlBelow(this.options.api, ...path)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    return this.options.send({
      method,
      url,
      headers,
      timeoutMs,
      maxResponseBytes,
      signal,
      ...(body === undefined ? {} : { body }),
    })
  }
}

interface RequestParts {
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: Uint8Array
  readonly query?: Readonly<Record<string, string>>
  readonly maxResponseBytes?: number
}

function hex(bytes: Uint8Array): string {
  return bytesToHex(bytes).slice(2)
}

/** Without postage a node answers 402 (spec nexum-host 8.9). */
function accepted(response: EgressResponse): EgressResponse {
  const { status } = response
  if (status >= 200 && status < 300) return response
  const kind = status === 402 ? 'denied' : status < 400 ? 'unavailable' : kindOfStatus(status)
  throw remoteStoreFailure(kind, `The node answered with HTTP ${status}.`, { code: status })
}

function referenceOf(response: EgressResponse): Uint8Array {
  const parsed = referenceAnswer.safeParse(jsonOf(response.body))
  if (parsed.success) return hexToBytes(`0x${parsed.data.reference.toLowerCase()}`)
  throw remoteStoreFailure('unavailable', 'The node answered without a reference.')
}

function indexOf(response: EgressResponse, header: string): bigint {
  const parsed = feedIndex.safeParse(headerOf(response, header))
  if (parsed.success) return BigInt(`0x${parsed.data}`)
  throw remoteStoreFailure('unavailable', 'The node answered without the position of the update.')
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
