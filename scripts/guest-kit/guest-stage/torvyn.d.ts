// What a stage imports from its host (resources/wit/torvyn-streaming). 64-bit integers are numbers here.

declare module 'torvyn:streaming/types@0.1.0' {
  /** Sealed bytes. What was lent for a call answers "borrowed resource has expired" after it. */
  export interface Buffer {
    size(): number
    contentType(): string
    read(offset: number, length: number): Uint8Array
    readAll(): Uint8Array
  }

  export interface MutableBuffer {
    write(offset: number, bytes: Uint8Array): void
    append(bytes: Uint8Array): void
    size(): number
    capacity(): number
    setContentType(contentType: string): void
    freeze(): Buffer
  }

  export interface FlowContext {
    traceId(): string
    spanId(): string
    deadlineNs(): number
    flowId(): string
  }

  export interface ElementMeta {
    sequence: number
    timestampNs: number
    contentType: string
  }

  export interface StreamElement {
    meta: ElementMeta
    payload: Buffer
    context: FlowContext
  }

  export interface OutputElement {
    meta: ElementMeta
    payload: Buffer
  }

  export type ProcessResult = { tag: 'emit'; val: OutputElement } | { tag: 'drop' }
  export type ProcessError =
    | { tag: 'invalid-input' | 'unavailable' | 'internal' | 'fatal'; val: string }
    | { tag: 'deadline-exceeded' }
  export type BackpressureSignal = 'ready' | 'pause'
}

declare module 'torvyn:streaming/buffer-allocator@0.1.0' {
  import type { Buffer, MutableBuffer } from 'torvyn:streaming/types@0.1.0'

  /** At most 16,777,216 bytes. */
  export function allocate(capacity: number): MutableBuffer
  export function cloneIntoMutable(source: Buffer): MutableBuffer
}

// Standard output and error, by the names under which the kit compiles them (stage-contract.mjs).
declare module 'host:cli/stdout@0.2.0' {
  export function getStdout(): { blockingWriteAndFlush(bytes: Uint8Array): void }
}
declare module 'host:cli/stderr@0.2.0' {
  export function getStderr(): { blockingWriteAndFlush(bytes: Uint8Array): void }
}

/** Lines go to the flow's log, with the name of the node. */
declare const console: Readonly<
  Record<'trace' | 'debug' | 'log' | 'info' | 'warn' | 'error', (...values: unknown[]) => void>
>
