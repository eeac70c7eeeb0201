/** Requests, options and answers of `wasi:http`. */
import { ErrorSide, PowerlessResource } from '../error-side.ts'
import { Pollable, type WasiClock } from '../streams.ts'
import { IncomingBody, OutgoingBody } from './bodies.ts'
import type { Fields } from './fields.ts'

export interface Tagged {
  readonly tag: string
  readonly val?: unknown
}

export class RequestOptions {
  private connectNs: bigint | undefined
  private firstByteNs: bigint | undefined
  private betweenBytesNs: bigint | undefined

  connectTimeout(): bigint | undefined {
    return this.connectNs
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.connectNs = duration
  }

  firstByteTimeout(): bigint | undefined {
    return this.firstByteNs
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.firstByteNs = duration
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.betweenBytesNs
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.betweenBytesNs = duration
  }
}

/** Those of a server: no guest is ever called as one. */
export class IncomingRequest extends PowerlessResource {}
export class OutgoingResponse extends PowerlessResource {}
export class ResponseOutparam extends PowerlessResource {}

export class IncomingResponse {
  private readonly clock: WasiClock
  private readonly fields: Fields
  private readonly code: number
  private readonly content: Uint8Array
  private isTaken = false

  constructor(clock: WasiClock, code: number, fields: Fields, content: Uint8Array) {
    this.clock = clock
    this.code = code
    this.fields = fields
    this.content = content
  }

  status(): number {
    return this.code
  }

  headers(): Fields {
    return this.fields
  }

  consume(): IncomingBody {
    if (this.isTaken) throw new ErrorSide(undefined)
    this.isTaken = true
    return new IncomingBody(this.clock, this.content)
  }
}

/** Ready at once; the exchange happens when it is asked for, once the request's body is finished. */
export class FutureIncomingResponse {
  private readonly clock: WasiClock
  private readonly exchange: () => Tagged | undefined
  private isTaken = false

  /** `exchange` answers `result<incoming-response, error-code>`, or undefined while the body is not finished. */
  constructor(clock: WasiClock, exchange: () => Tagged | undefined) {
    this.clock = clock
    this.exchange = exchange
  }

  subscribe(): Pollable {
    return new Pollable(this.clock, 0n)
  }

  get(): Tagged | undefined {
    if (this.isTaken) return { tag: 'err' }
    const result = this.exchange()
    if (result === undefined) return undefined
    this.isTaken = true
    return { tag: 'ok', val: result }
  }
}

/** `outgoing-request` with this clock for the streams of its body. */
export function outgoingRequestClass(clock: WasiClock): new (headers: Fields) => OutgoingRequest {
  return class extends OutgoingRequest {
    constructor(headers: Fields) {
      super(headers, clock)
    }
  }
}

export class OutgoingRequest {
  private readonly clock: WasiClock
  private readonly fields: Fields
  private methodValue: Tagged = { tag: 'get' }
  private path: string | undefined
  private schemeValue: Tagged | undefined
  private authorityValue: string | undefined
  private content: OutgoingBody | undefined

  constructor(headers: Fields, clock: WasiClock) {
    this.clock = clock
    this.fields = headers
  }

  body(): OutgoingBody {
    if (this.content !== undefined) throw new ErrorSide(undefined)
    this.content = new OutgoingBody(this.clock)
    return this.content
  }

  method(): Tagged {
    return this.methodValue
  }

  setMethod(method: Tagged): void {
    if (method.tag === 'other' && !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(String(method.val))) {
      throw new ErrorSide(undefined)
    }
    this.methodValue = method
  }

  pathWithQuery(): string | undefined {
    return this.path
  }

  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && /[\s#]/.test(path)) throw new ErrorSide(undefined)
    this.path = path
  }

  scheme(): Tagged | undefined {
    return this.schemeValue
  }

  setScheme(scheme: Tagged | undefined): void {
    this.schemeValue = scheme
  }

  authority(): string | undefined {
    return this.authorityValue
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && /[\s/?#\\]/.test(authority)) throw new ErrorSide(undefined)
    this.authorityValue = authority
  }

  headers(): Fields {
    return this.fields.frozen()
  }

  /** The body, if one was asked for. */
  bodyOf(): OutgoingBody | undefined {
    return this.content
  }

  /** The URL the parts make; what it really names is judged by the engine. */
  url(): string {
    const { schemeValue, authorityValue, path } = this
    const scheme = schemeValue?.tag === 'other' ? String(schemeValue.val) : (schemeValue?.tag ?? 'HTTPS')
    const rest = path === undefined ? '/' : path.startsWith('/') ? path : `/${path}`
    return `${scheme.toLowerCase()}://${authorityValue ?? ''}${rest}`
  }
}
