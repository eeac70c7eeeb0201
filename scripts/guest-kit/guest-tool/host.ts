// What a tool may ask of its host. What was not declared and granted is refused, empty or false.
import * as host from 'near:agent/host@0.4.1'
import { decodeText, encodeText, wellFormed } from '../guest/text.ts'
import { HttpFailure, payloadOf, ToolFailure } from './failure.ts'

export interface HttpRequest {
  /** `GET` unless given. */
  readonly method?: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text, bytes, or anything else as JSON. */
  readonly body?: unknown
  /** Milliseconds; 30 seconds unless given, never more than what is left of the call. */
  readonly timeoutMs?: number
}

/** An answer of any status: only what brought none is thrown. */
export class HttpAnswer {
  readonly status: number
  /** By name as the server spelled it. */
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array

  constructor(response: host.HttpResponse) {
    this.status = response.status
    this.headers = JSON.parse(response.headersJson) as Record<string, string>
    this.bytes = response.body
  }

  /** Throws a RangeError where the body is not UTF-8. */
  text(): string {
    return decodeText(this.bytes)
  }

  json(): unknown {
    return JSON.parse(this.text())
  }
}

function bodyBytes(body: unknown): Uint8Array | null {
  if (body === undefined || body === null) return null
  if (body instanceof Uint8Array) return body
  return encodeText(typeof body === 'string' ? body : JSON.stringify(body))
}

export const http = {
  /** Throws `HttpFailure`. Credentials are added by the host; a request that brings its own is refused. */
  request({ method = 'GET', url, headers = {}, body, timeoutMs }: HttpRequest): HttpAnswer {
    try {
      return new HttpAnswer(
        host.httpRequest(
          wellFormed(method),
          wellFormed(url),
          wellFormed(JSON.stringify(headers)),
          bodyBytes(body),
          timeoutMs ?? null,
        ),
      )
    } catch (thrown) {
      const payload = payloadOf(thrown) as host.HttpFailureRecord | undefined
      if (payload === undefined) throw thrown
      throw new HttpFailure(payload.kind, payload.code ?? null, payload.message ?? null, payload.requestSent)
    }
  },
  get: (url: string, headers: Readonly<Record<string, string>> = {}): HttpAnswer =>
    http.request({ url, headers }),
  post: (url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer =>
    http.request({ method: 'POST', url, body, headers }),
}

export const workspace = {
  /** The text of a file, or null for whatever reason there is none. */
  read: (path: string): string | null => host.workspaceRead(wellFormed(path)) ?? null,
}

export const secrets = {
  /** Whether there is a value that a request of this operation would be sent with. There is no way to read one. */
  exists: (name: string): boolean => host.secretExists(wellFormed(name)),
}

export const tools = {
  /** Calls another tool by an alias of the declaration. Throws `ToolFailure` with the word it failed with as its code. */
  call(alias: string, params: unknown): unknown {
    try {
      return JSON.parse(host.toolInvoke(wellFormed(alias), wellFormed(JSON.stringify(params))))
    } catch (thrown) {
      const payload = payloadOf(thrown)
      if (typeof payload !== 'string') throw thrown
      throw new ToolFailure('operation-failed', `${alias}: ${payload}`, payload)
    }
  },
}
