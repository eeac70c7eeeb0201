import * as http from 'node:http'
import type * as net from 'node:net'
import { errnoOf } from '../errno.ts'
import type { Deadlines } from './deadlines.ts'
import { readBody } from './body.ts'
import type { EgressRequest, EgressResponse, HeaderPair } from './types.ts'
import { EgressError } from './egress-error.ts'
import { managedHeaders } from './headers.ts'

/** Bytes of the head of an answer. */
const maxHeadBytes = 64 * 1024

/** Sends the request over an open connection and reads the whole answer. The connection is closed after. */
export function exchange(
  socket: net.Socket,
  request: EgressRequest,
  deadlines: Deadlines,
): Promise<EgressResponse> {
  return new Promise((resolve, reject) => {
    const { url, method, body } = request
    const { signal } = deadlines
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      deadlines.leave()
      socket.destroy()
      reject(asEgressError(error))
    }
    const onAbort = (): void => fail(new EgressError('cancelled', 'The request was called off.', sent))
    if (signal.aborted) {
      socket.destroy()
      reject(new EgressError('cancelled', 'The request was called off.'))
      return
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const outgoing = http.request({
      method,
      path: `${url.pathname}${url.search}`,
      // The connection is made and, for https, secured: what is written here goes through it as it is.
      createConnection: () => socket,
      setHost: false,
      maxHeaderSize: maxHeadBytes,
      insecureHTTPParser: false,
      headers: flattened([...request.headers, ...managedHeaders(request)]),
    })
    outgoing.on('error', fail)
    outgoing.on('upgrade', () => fail(malformed('The server wants to change the protocol.')))
    let hasBegun = false
    outgoing.on('finish', () => {
      if (!hasBegun) deadlines.enter('first-byte')
    })
    outgoing.on('response', (incoming) => {
      hasBegun = true
      deadlines.enter('between-bytes')
      const headers = headersOf(incoming)
      readBody(incoming, headers, {
        hasBody: method !== 'HEAD' && incoming.statusCode !== 204 && incoming.statusCode !== 304,
        maxBytes: request.maxResponseBytes,
        onPiece: () => deadlines.enter('between-bytes'),
      }).then((read) => {
        signal.removeEventListener('abort', onAbort)
        deadlines.leave()
        socket.destroy()
        resolve({ status: incoming.statusCode ?? 0, headers: read.headers, body: read.body })
      }, fail)
    })
    outgoing.end(body ?? undefined)
  })
}

const sent = { requestSent: true }

/** Name and value in turns: the form of `headers` that keeps repeats apart. */
function flattened(headers: readonly HeaderPair[]): string[] {
  return headers.flatMap(([name, value]) => [name, value])
}

function headersOf(incoming: http.IncomingMessage): HeaderPair[] {
  const { rawHeaders } = incoming
  const headers: HeaderPair[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.push([(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? ''])
  }
  return headers
}

function asEgressError(error: unknown): EgressError {
  if (error instanceof EgressError)
    return new EgressError(error.kind, error.message, { ...sent, cause: error })
  const code = errnoOf(error) ?? ''
  if (code.startsWith('HPE_')) return malformed('The answer is not HTTP, or its head is too large.', error)
  return new EgressError('closed', 'The server closed the connection before its answer was whole.', {
    ...sent,
    cause: error,
  })
}

function malformed(message: string, cause?: unknown): EgressError {
  return new EgressError('malformed', message, { ...sent, cause })
}
