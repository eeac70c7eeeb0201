// The interfaces of nexum:host@0.2.0 as a TypeScript module sees them inside the sandbox.
//
// Differences from a host's view: a 64-bit integer is a number, exact up to 2^53 (a bigint ends the
// instance), an absent option is null, and an error answer of the host is thrown with the record in `payload`.

declare module 'nexum:host/types@0.2.0' {
  export type ChainId = number

  export interface Block {
    chainId: ChainId
    number: number
    /** 32 bytes. */
    hash: Uint8Array
    /** UTC milliseconds. */
    timestamp: number
  }

  export interface Log {
    chainId: ChainId
    /** 20 bytes. */
    address: Uint8Array
    /** Up to four times 32 bytes. */
    topics: Uint8Array[]
    data: Uint8Array
    blockNumber: number
    /** 32 bytes. */
    transactionHash: Uint8Array
    logIndex: number
  }

  export interface Message {
    contentTopic: string
    payload: Uint8Array
    /** UTC milliseconds. */
    timestamp: number
    sender: Uint8Array | null
  }

  export interface Tick {
    /** UTC milliseconds. */
    firedAt: number
  }

  export type Event =
    | { tag: 'block'; val: Block }
    | { tag: 'logs'; val: Log[] }
    | { tag: 'tick'; val: Tick }
    | { tag: 'message'; val: Message }

  /** The manifest's [config], flattened to text pairs in ascending key order. */
  export type Config = [key: string, value: string][]

  export interface HostErrorKind {
    tag: 'unsupported' | 'unavailable' | 'denied' | 'rate-limited' | 'timeout' | 'invalid-input' | 'internal'
  }

  export interface HostError {
    /** Subsystem that failed; a module uses its own name. */
    domain: string
    kind: HostErrorKind
    code: number
    message: string
    data: string | null
  }
}

declare module 'nexum:host/chain@0.2.0' {
  import type { ChainId, HostError } from 'nexum:host/types@0.2.0'

  export interface RpcRequest {
    method: string
    /** JSON text of the params value. */
    params: string
  }

  export type RpcResult = { tag: 'ok'; val: string } | { tag: 'err'; val: HostError }

  /** JSON text of the result member. */
  export function request(chainId: ChainId, method: string, params: string): string
  /** One answer per request, in the same order. */
  export function requestBatch(chainId: ChainId, requests: RpcRequest[]): RpcResult[]
}

declare module 'nexum:host/identity@0.2.0' {
  /** 20-byte addresses. */
  export function accounts(): Uint8Array[]
  /** 65 bytes: r, s, v. */
  export function sign(account: Uint8Array, message: Uint8Array): Uint8Array
  /** 65 bytes: r, s, v. */
  export function signTypedData(account: Uint8Array, typedData: string): Uint8Array
}

declare module 'nexum:host/local-store@0.2.0' {
  /** The stored bytes, or null. */
  export function get(key: string): Uint8Array | null
  export function set(key: string, value: Uint8Array): void
  function remove(key: string): void
  export { remove as delete }
  export function listKeys(prefix: string): string[]
}

declare module 'nexum:host/remote-store@0.2.0' {
  /** 32-byte address. */
  export function upload(data: Uint8Array): Uint8Array
  export function download(reference: Uint8Array): Uint8Array
  export function readFeed(owner: Uint8Array, topic: Uint8Array): Uint8Array | null
  export function writeFeed(topic: Uint8Array, data: Uint8Array): Uint8Array
}

declare module 'nexum:host/messaging@0.2.0' {
  import type { Message } from 'nexum:host/types@0.2.0'

  export function publish(contentTopic: string, payload: Uint8Array): void
  export function query(
    contentTopic: string,
    startTime: number | null,
    endTime: number | null,
    limit: number | null,
  ): Message[]
}

declare module 'nexum:host/logging@0.2.0' {
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error'
  export function log(level: Level, message: string): void
}

declare module 'nexum:host/clock@0.2.0' {
  /** UTC milliseconds. */
  export function nowMs(): number
  export function monotonicNs(): number
}

declare module 'nexum:host/random@0.2.0' {
  export function fill(byteLength: number): Uint8Array
}

declare module 'nexum:host/http@0.2.0' {
  export interface Header {
    name: string
    value: string
  }

  export interface Request {
    method: string
    url: string
    headers: Header[]
    body: Uint8Array | null
    timeoutMs: number | null
  }

  export interface Response {
    status: number
    headers: Header[]
    body: Uint8Array
  }

  export function fetch(request: Request): Response
}
