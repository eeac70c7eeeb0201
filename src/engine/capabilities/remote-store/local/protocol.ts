/** What the content thread is asked. */
export interface ContentThreadData {
  /** The SQLite file. */
  readonly file: string
  readonly maxBytes: number
}

export interface StoredFeedUpdate {
  readonly index: bigint
  readonly identifier: Uint8Array
  readonly signature: Uint8Array
  readonly payload: Uint8Array
}

export type ContentOperations = {
  /** Answers the Swarm address of what is kept now. */
  put: { query: { readonly data: Uint8Array; readonly pinned: boolean }; answer: Uint8Array }
  /** Keeps content only if it is what `reference` names; answers whether it is. */
  putVerified: { query: { readonly reference: Uint8Array; readonly data: Uint8Array }; answer: boolean }
  /** Content that is what `reference` names, or null. */
  get: { query: { readonly reference: Uint8Array }; answer: Uint8Array | null }
  pin: { query: { readonly reference: Uint8Array; readonly pinned: boolean }; answer: boolean }
  feed: {
    query: { readonly owner: Uint8Array; readonly topic: Uint8Array }
    answer: StoredFeedUpdate | null
  }
  putFeed: {
    query: {
      readonly owner: Uint8Array
      readonly topic: Uint8Array
      readonly update: StoredFeedUpdate
      readonly own: boolean
    }
    answer: null
  }
  /** The key that signs feeds where the operator set none: 32 bytes, made once and kept. */
  ownKey: { query: null; answer: Uint8Array }
  /** Bytes of disk that content and feeds take. */
  usage: { query: null; answer: number }
}
