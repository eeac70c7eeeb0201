// The interface of shepherd:cow@0.2.0 as a TypeScript module sees it inside the sandbox; see nexum-host.d.ts.

declare module 'shepherd:cow/cow-api@0.2.0' {
  import type { ChainId } from 'nexum:host/types@0.2.0'

  /** Body of the answer. `method` is GET, POST, PUT or DELETE, `path` relative to the chain's order book. */
  export function request(chainId: ChainId, method: string, path: string, body: string | null): string
  /** UID of the order, which is JSON in UTF-8. */
  export function submitOrder(chainId: ChainId, order: Uint8Array): string
}
