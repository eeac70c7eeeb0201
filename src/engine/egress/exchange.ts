import * as http from 'node:http'
import { errnoOf } from '../errno.ts'
import type { Deadlines } from './deadlines.ts'
import { readBody } from './body.ts'
import type { Connection, EgressRequest, EgressResponse, HeaderPair } from './types.ts'
import { EgressError } from './egress-error.ts'
import { managedHeaders } from './headers.ts'

/** Bytes of the head of an answer. */
const maxHeadBytes = 64 * 1024

/**
 * Sends the request over an open connection and reads the whole answer. The connection is closed after, unless its
 * agent keeps it. Whether anything was sent is what the socket says: true from the first byte of the request written
 * to it (spec tools 4 step 12).
 */
export function exchange(
  { socket, agent }: Connection,
  request: EgressRequest,
  deadlines: Deadlines,
): Promise<EgressResponse> {
  return new Promise((resolve, reject) => {
    const { url, method, body } = request
    const { signal } = deadlines
    const writtenBefore = socket.bytesWritten
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      deadlines.leave()
      const requestSent = socket.bytesWritten > writtenBefore
      socket.destroy()
      reject(asEgressError(error, requestSent))
    }
    const onAbort = (): void => fail(new EgressError('cancelled', 'The request was called off.'))
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
      ...(agent === undefined ? { createConnection: () => socket } : { agent }),
      setHost: false,
      maxHeaderSize: maxHeadBytes,
      insecureHTTPParser: false,
      headers: flattened([...request.headers, ...managedHeaders(request)]),
    })
    outgoing.on('error', fail)
    outgoing.on('upgrade', () =>
      fail(new EgressError('malformed', 'The server wants to change the protocol.')),
    )
    let hasBegun = false
    outgoing.on('finish', () => {
      if (!hasBegun) deadlines.enter('first-byte')
    })
    outgoing.on('response', (incoming) => {
      hasBegun = true
      deadlines.enter('between-bytes')
      const headers = headersOf(incoming)
      request.observer?.onReceived(headBytes(headers))
      readBody(incoming, headers, {
        hasBody: method !== 'HEAD' && incoming.statusCode !== 204 && incoming.statusCode !== 304,
        maxBytes: request.maxResponseBytes,
        onPiece: (bytes) => {
          deadlines.enter('between-bytes')
          request.observer?.onReceived(bytes)
        },
      }).then((read) => {
        signal.removeEventListener('abort', onAbort)
        deadlines.leave()
        if (agent === undefined) socket.destroy()
        resolve({ status: incoming.statusCode ?? 0, headers: read.headers, body: read.body })
      }, fail)
    })
    outgoing.end(body ?? undefined)
  })
}

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

/** The status line is about as long as an empty header. */
function headBytes(headers: readonly HeaderPair[]): number {
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 17)
}

function asEgressError(error: unknown, requestSent: boolean): EgressError {
  const options = { requestSent, cause: error }
  if (error instanceof EgressError) return new EgressError(error.kind, error.message, options)
  if ((errnoOf(error) ?? '').startsWith('HPE_')) {
    return new EgressError('malformed', 'The answer is not HTTP, or its head is too large.', options)
  }
  return new EgressError('closed', 'The server closed the connection before its answer was whole.', options)
}
