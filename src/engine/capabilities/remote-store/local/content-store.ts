/** The engine's end of the content thread. */
import { PaddockError } from '../../../../shared/errors.ts'
import { ThreadClient } from '../../threads/thread-client.ts'
import { remoteStoreFailure } from '../backend.ts'
import type { ContentOperations, ContentThreadData, StoredFeedUpdate } from './protocol.ts'

export interface ContentStoreOptions extends ContentThreadData {
  /** Built script of the content thread. */
  readonly entry: string | URL
}

/** Content and feeds on this machine. Each function fails with `HostFailure`, a full disk as unavailable. */
export class ContentStore {
  private readonly thread: ThreadClient<ContentOperations>

  constructor({ entry, file, maxBytes }: ContentStoreOptions) {
    const data: ContentThreadData = { file, maxBytes }
    this.thread = new ThreadClient({ entry, data, title: 'The store of remote content' })
  }

  /** Keeps content and answers its Swarm address; what is pinned goes last when room is needed. */
  put(data: Uint8Array, pinned: boolean): Promise<Uint8Array> {
    return this.orFailure(this.thread.request('put', { data, pinned }))
  }

  /** Keeps content if it is what `reference` names; answers whether it is. */
  putVerified(reference: Uint8Array, data: Uint8Array): Promise<boolean> {
    return this.orFailure(this.thread.request('putVerified', { reference, data }))
  }

  /** Checked against the reference; null where none is held. */
  get(reference: Uint8Array): Promise<Uint8Array | null> {
    return this.orFailure(this.thread.request('get', { reference }))
  }

  /** Whether content of this reference is held. */
  pin(reference: Uint8Array, pinned: boolean): Promise<boolean> {
    return this.orFailure(this.thread.request('pin', { reference, pinned }))
  }

  feed(owner: Uint8Array, topic: Uint8Array): Promise<StoredFeedUpdate | null> {
    return this.orFailure(this.thread.request('feed', { owner, topic }))
  }

  /** Keeps an update unless a newer one is held. Its signature is the caller's to check. */
  async putFeed(
    owner: Uint8Array,
    topic: Uint8Array,
    { index, identifier, signature, payload }: StoredFeedUpdate,
    own: boolean,
  ): Promise<void> {
    const update = { index, identifier, signature, payload }
    await this.orFailure(this.thread.request('putFeed', { owner, topic, update, own }))
  }

  /** 32 bytes, made once and kept with the content. */
  ownKey(): Promise<Uint8Array> {
    return this.orFailure(this.thread.request('ownKey', null))
  }

  /** Bytes of disk in use. */
  usage(): Promise<number> {
    return this.orFailure(this.thread.request('usage', null))
  }

  close(): Promise<void> {
    return this.thread.close()
  }

  private async orFailure<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (cause) {
      const full = cause instanceof PaddockError && cause.code === 'store.full'
      throw remoteStoreFailure(
        full ? 'unavailable' : 'internal',
        full ? 'There is no room for it.' : 'The content on this machine cannot be read.',
        { cause },
      )
    }
  }
}
