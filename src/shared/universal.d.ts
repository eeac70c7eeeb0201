// The globals that every runtime Paddock runs on provides (Node 18 and newer, Chrome 114 and newer), so far
// as src/shared uses them. Seen by the type check of src/shared only: elsewhere Node's or the DOM's apply.

interface URLSearchParams {
  get(name: string): string | null
  has(name: string): boolean
  set(name: string, value: string): void
  keys(): IterableIterator<string>
  toString(): string
}

interface URL {
  readonly hash: string
  readonly host: string
  readonly hostname: string
  readonly href: string
  readonly origin: string
  password: string
  readonly pathname: string
  readonly port: string
  readonly protocol: string
  search: string
  readonly searchParams: URLSearchParams
  username: string
  toString(): string
}
declare const URL: { new (url: string, base?: string): URL }

interface TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, bytes: Uint8Array): { readonly read: number; readonly written: number }
}
declare const TextEncoder: { new (): TextEncoder }

interface TextDecoder {
  decode(bytes: Uint8Array | ArrayBuffer): string
}
declare const TextDecoder: {
  new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder
}

declare function structuredClone<T>(value: T): T
