/** Remote content on this machine: the default, complete without a network (spec nexum-host 8.9). */
import type { Clock } from '../../../clock.ts'
import { remoteStoreFailure, type RemoteStoreBackend } from '../backend.ts'
import { FeedWriter, type FeedSignerSource } from '../feed-writer.ts'
import { feedData, isSignedByOwner, ownedAddress } from '../swarm/feed.ts'
import type { ContentStore } from './content-store.ts'

export class LocalBackend implements RemoteStoreBackend {
  private readonly store: ContentStore
  private readonly writer: FeedWriter

  constructor(store: ContentStore, signer: FeedSignerSource, clock: Clock) {
    this.store = store
    this.writer = new FeedWriter(signer, clock, store, {
      nextIndex: async (owner, topic) => {
        const newest = await store.feed(owner, topic)
        return newest === null ? 0n : newest.index + 1n
      },
      publish: (update) => Promise.resolve(ownedAddress(update.identifier, update.owner)),
    })
  }

  upload(data: Uint8Array): Promise<Uint8Array> {
    return this.store.put(data, true)
  }

  async download(reference: Uint8Array): Promise<Uint8Array> {
    const data = await this.store.get(reference)
    if (data === null) throw remoteStoreFailure('unavailable', 'No content of this reference is held.')
    return data
  }

  async readFeed(owner: Uint8Array, topic: Uint8Array): Promise<Uint8Array | undefined> {
    const newest = await this.store.feed(owner, topic)
    if (newest === null) return undefined
    const update = { owner, ...newest }
    if (!(await isSignedByOwner(update)))
      throw remoteStoreFailure('internal', 'The feed that is held is damaged.')
    const data = feedData(update)
    if (data === null) throw remoteStoreFailure('internal', 'The newest update of the feed is too short.')
    return data
  }

  writeFeed(topic: Uint8Array, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return this.writer.write(topic, data, signal)
  }
}
