/** `wasi:http` for foreign guests, bridged to the capability `http` (spec nexum-host 2.2, 6.1). */
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import { HostRefusal } from '../../host-refusal.ts'
import { ErrorSide } from '../error-side.ts'
import type { WasiClock } from '../streams.ts'
import { FutureTrailers, IncomingBody, OutgoingBody } from './bodies.ts'
import { Fields, type FieldEntry } from './fields.ts'
import {
  FutureIncomingResponse,
  IncomingRequest,
  IncomingResponse,
  OutgoingResponse,
  outgoingRequestClass,
  RequestOptions,
  ResponseOutparam,
  type OutgoingRequest,
  type Tagged,
} from './messages.ts'

export interface BridgedRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly body: Uint8Array | undefined
  readonly timeoutMs: number | undefined
}

export interface BridgedResponse {
  readonly status: number
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly body: Uint8Array
}

/** The engine's side of an exchange, as a guest may use it now. */
export interface HttpBridge {
  /** Whether the capability is granted and provided. */
  isProvided(): boolean
  /** Blocks until the answer is there. Throws `HostRefusal`. */
  fetch(request: BridgedRequest): BridgedResponse
}

const denied: Tagged = { tag: 'HTTP-request-denied' }

/** The interfaces, by name without version. Without a bridge every request is denied. */
export function createVirtualHttp(clock: WasiClock, bridge?: HttpBridge): Record<string, unknown> {
  const handle = (request: OutgoingRequest, options: RequestOptions | undefined): FutureIncomingResponse => {
    if (bridge?.isProvided() !== true) throw new ErrorSide(denied)
    return new FutureIncomingResponse(clock, () => {
      const body = request.bodyOf()
      return body?.isFinished === false ? undefined : exchange(clock, bridge, request, body, options)
    })
  }
  return {
    'wasi:http/types': {
      Fields,
      FutureIncomingResponse,
      FutureTrailers,
      IncomingBody,
      IncomingRequest,
      IncomingResponse,
      OutgoingBody,
      OutgoingRequest: outgoingRequestClass(clock),
      OutgoingResponse,
      RequestOptions,
      ResponseOutparam,
      httpErrorCode: () => undefined,
    },
    'wasi:http/outgoing-handler': { handle },
  }
}

function exchange(
  clock: WasiClock,
  bridge: HttpBridge,
  request: OutgoingRequest,
  body: OutgoingBody | undefined,
  options: RequestOptions | undefined,
): Tagged {
  const method = request.method()
  try {
    const response = bridge.fetch({
      method: method.tag === 'other' ? String(method.val) : method.tag.toUpperCase(),
      url: request.url(),
      headers: request
        .headers()
        .entries()
        .map(([name, value]) => ({ name, value: latin1(value) })),
      body: body?.bytes(),
      timeoutMs: timeoutOf(options),
    })
    const fields = response.headers.map(({ name, value }): FieldEntry => [name, fromLatin1(value)])
    return {
      tag: 'ok',
      val: new IncomingResponse(clock, response.status, Fields.received(fields), response.body),
    }
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error
    return { tag: 'err', val: errorCode(error.hostError.kind, error.hostError.message) }
  }
}

function errorCode(kind: HostErrorKind, message: string): Tagged {
  switch (kind) {
    case 'denied':
    case 'unsupported':
      return denied
    case 'unavailable':
      return { tag: 'destination-unavailable' }
    case 'timeout':
      return { tag: 'HTTP-response-timeout' }
    case 'rate-limited':
      return { tag: 'connection-limit-reached' }
    case 'invalid-input':
    case 'internal':
      return { tag: 'internal-error', val: message }
  }
}

/** Milliseconds until the first byte, where the guest wishes a bound; the operator's ceilings apply anyway. */
function timeoutOf(options: RequestOptions | undefined): number | undefined {
  const firstByte = options?.firstByteTimeout()
  if (firstByte === undefined) return undefined
  const total = (firstByte + (options?.connectTimeout() ?? 0n)) / 1_000_000n
  return Number(total > 0xffff_ffffn ? 0xffff_ffffn : total)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function fromLatin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
