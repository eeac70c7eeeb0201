/** What the engine and the store reader thread say to each other. */
import type { RequestReply } from '../request-thread.ts'

export interface StoreKeysQuery {
  /** Absolute path of the store file. */
  readonly path: string
  readonly prefix: string
  /** Exclusive: the last key of the page before, or null. */
  readonly after: string | null
  readonly limit: number
}

export interface StoreKeys {
  readonly entries: { key: string; sizeBytes: number }[]
  readonly more: boolean
  /** Entries in the whole store. */
  readonly total: number
  /** Cost of the whole store by the formula of spec nexum-host 8.5. */
  readonly usedBytes: number
}

export interface StoreValue {
  readonly sizeBytes: number
  /** The first 64 KiB. */
  readonly head: Uint8Array
}

export interface StoreUsage {
  readonly total: number
  readonly usedBytes: number
}

/** What was exported, imported or copied. */
export interface StoreCarried {
  readonly entries: number
  /** Cost by the formula of spec nexum-host 8.5. */
  readonly usedBytes: number
}

export interface StoreImport {
  readonly path: string
  readonly module: string
  /** Absolute path of the export. */
  readonly file: string
  /** What the module may keep; null for no bound. */
  readonly quotaBytes: number | null
}

/** Each operation with what it takes and answers. */
export interface StoreOperations {
  keys: { query: StoreKeysQuery; answer: StoreKeys }
  value: { query: { readonly path: string; readonly key: string }; answer: StoreValue | null }
  /** A whole value. */
  whole: { query: { readonly path: string; readonly key: string }; answer: Uint8Array | null }
  usage: { query: { readonly path: string }; answer: StoreUsage }
  close: { query: { readonly path: string }; answer: null }
  export: {
    query: { readonly path: string; readonly module: string; readonly file: string }
    answer: StoreCarried
  }
  backup: { query: { readonly path: string; readonly file: string }; answer: StoreCarried }
  import: { query: StoreImport; answer: StoreCarried }
  /** Answers the file's size in bytes. */
  compact: {
    query: { readonly path: string; readonly module: string }
    answer: { before: number; after: number }
  }
}

export type StoreRequest = {
  [Operation in keyof StoreOperations]: {
    readonly id: number
    readonly operation: Operation
    readonly query: StoreOperations[Operation]['query']
  }
}[keyof StoreOperations]

export type StoreReply = RequestReply<StoreOperations[keyof StoreOperations]['answer']>
