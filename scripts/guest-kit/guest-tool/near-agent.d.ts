// What a tool imports from its host and exports to it (resources/wit/near-agent).

declare module 'near:agent/host@0.4.1' {
  export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'
  export type FailureKind =
    | 'auth-required'
    | 'input'
    | 'output-too-large'
    | 'executor'
    | 'network-denied'
    | 'client'
    | 'operation-failed'

  export interface HttpResponse {
    status: number
    headersJson: string
    body: Uint8Array
  }

  /** Thrown as `payload` of an error. */
  export interface HttpFailureRecord {
    kind: FailureKind
    code: string | null
    message: string | null
    requestSent: boolean
  }

  export function log(level: LogLevel, message: string): void
  export function nowMillis(): bigint
  export function workspaceRead(path: string): string | null | undefined
  export function httpRequest(
    method: string,
    url: string,
    headersJson: string,
    body: Uint8Array | null,
    timeoutMs: number | null,
  ): HttpResponse
  export function toolInvoke(alias: string, paramsJson: string): string
  export function secretExists(name: string): boolean
}

/** Lines go to the log of the call. */
declare const console: Readonly<
  Record<'trace' | 'debug' | 'log' | 'info' | 'warn' | 'error', (...values: unknown[]) => void>
>
