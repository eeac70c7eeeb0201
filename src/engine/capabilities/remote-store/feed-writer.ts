/** Appends to the host's own feeds: one update after the other, whoever asks (spec nexum-host 8.9). */
import type { Clock } from '../../clock.ts'
import { remoteStoreFailure } from './backend.ts'
import type { ContentStore } from './local/content-store.ts'
import type { FeedSigner, FeedUpdate } from './swarm/feed.ts'

export interface FeedTarget {
  /** The first position that holds no update. */
  nextIndex(owner: Uint8Array, topic: Uint8Array, signal: AbortSignal): Promise<bigint>
  /** Hands the update out; answers its address. */
  publish(update: FeedUpdate, signal: AbortSignal): Promise<Uint8Array>
}

/** Null where this host has no key for feeds. */
export type FeedSignerSource = () => Promise<FeedSigner | null>

export class FeedWriter {
  private readonly signer: FeedSignerSource
  private readonly clock: Clock
  private readonly store: ContentStore
  private readonly target: FeedTarget
  /** By topic in hexadecimal: what the next write waits for. Two at one position would contradict each other. */
  private readonly turns = new Map<string, Promise<unknown>>()

  constructor(signer: FeedSignerSource, clock: Clock, store: ContentStore, target: FeedTarget) {
    this.signer = signer
    this.clock = clock
    this.store = store
    this.target = target
  }

  /** Fails with `HostFailure`: without a key unsupported 501. */
  async write(topic: Uint8Array, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const signer = await this.signer()
    if (signer === null) {
      throw remoteStoreFailure('unsupported', 'No key signs feeds on this host.', { code: 501 })
    }
    const key = Buffer.from(topic).toString('hex')
    const turn = (this.turns.get(key) ?? Promise.resolve()).then(() =>
      this.append(signer, topic, data, signal),
    )
    const settled = turn.catch(() => undefined)
    this.turns.set(key, settled)
    try {
      return await turn
    } finally {
      if (this.turns.get(key) === settled) this.turns.delete(key)
    }
  }

  private async append(
    signer: FeedSigner,
    topic: Uint8Array,
    data: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (signal.aborted)
      throw remoteStoreFailure('timeout', 'The call ended before the feed could be written.')
    const index = await this.target.nextIndex(signer.owner, topic, signal)
    const update = await signer.sign(topic, index, data, Math.floor(this.clock.now() / 1_000))
    const address = await this.target.publish(update, signal)
    await this.store.putFeed(signer.owner, topic, { index, ...update }, true)
    return address
  }
}
