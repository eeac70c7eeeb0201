import * as net from 'node:net'
import * as tls from 'node:tls'
import { errnoOf } from '../errno.ts'
import { isSameAddress } from './address-ranges.ts'
import type { Destination } from './types.ts'
import { EgressError } from './egress-error.ts'
import { bareHost, portOf } from './target.ts'

/** What a TLS peer is trusted by, beyond the machine's own roots. */
export interface TrustOptions {
  /** Certificates in PEM, instead of the machine's. */
  readonly ca?: string
}

/**
 * A connection to one of the judged addresses, tried in order, with TLS for https. The name for TLS is the URL's, and
 * the peer's address is looked at once more. Throws `EgressError` (`connect`, `tls`, `forbidden-address`, `cancelled`).
 */
export async function connectTo(
  destination: Destination,
  trust: TrustOptions,
  signal: AbortSignal,
): Promise<net.Socket> {
  const { url, addresses } = destination
  let failure: EgressError | undefined
  for (const address of addresses) {
    try {
      const socket = await openSocket(address, portOf(url), signal)
      checkPeer(socket, address)
      return url.protocol === 'https:' ? await secure(socket, url, trust, signal) : socket
    } catch (error) {
      if (!(error instanceof EgressError) || error.kind !== 'connect') throw error
      failure = error
    }
  }
  throw failure ?? new EgressError('connect', `${url.hostname} has no address.`)
}

function openSocket(address: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled())
      return
    }
    // An address, never a name: nothing is looked up here.
    const socket = net.connect({ host: address, port, family: net.isIPv6(address) ? 6 : 4, noDelay: true })
    const settle = settling(socket, signal, reject)
    socket.once('error', (error) => {
      settle(() =>
        reject(new EgressError('connect', `The connection failed (${codeOf(error)}).`, { cause: error })),
      )
    })
    socket.once('connect', () => settle(() => resolve(socket)))
  })
}

/** Who is at the other end is what counts, not whom we asked for. */
function checkPeer(socket: net.Socket, address: string): void {
  if (socket.remoteAddress !== undefined && isSameAddress(socket.remoteAddress, address)) return
  socket.destroy()
  throw new EgressError('forbidden-address', 'The connection went to another address than the one judged.')
}

function secure(socket: net.Socket, url: URL, trust: TrustOptions, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const host = bareHost(url).replace(/\.$/, '')
    const secured = tls.connect({
      socket,
      host,
      // Addresses have no server name (RFC 6066, 3).
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      // Said here so that no environment variable says otherwise.
      rejectUnauthorized: true,
      ...(trust.ca === undefined ? {} : { ca: trust.ca }),
    })
    const settle = settling(secured, signal, reject)
    const fail = (error: Error): void => {
      settle(() => {
        secured.destroy()
        reject(new EgressError('tls', `The TLS connection failed (${codeOf(error)}).`, { cause: error }))
      })
    }
    secured.once('error', fail)
    secured.once('close', () => fail(new Error('closed')))
    secured.once('secureConnect', () => settle(() => resolve(secured)))
  })
}

/** Runs one outcome of several, and takes the listeners away with it. */
function settling(
  socket: net.Socket,
  signal: AbortSignal,
  reject: (error: unknown) => void,
): (outcome: () => void) => void {
  let isSettled = false
  const settle = (outcome: () => void): void => {
    if (isSettled) return
    isSettled = true
    signal.removeEventListener('abort', onAbort)
    outcome()
  }
  const onAbort = (): void => {
    settle(() => {
      socket.destroy()
      reject(cancelled())
    })
  }
  signal.addEventListener('abort', onAbort, { once: true })
  // Whatever comes after the outcome must not end the process.
  socket.on('error', () => undefined)
  return settle
}

function codeOf(error: unknown): string {
  return errnoOf(error) ?? 'failed'
}

function cancelled(): EgressError {
  return new EgressError('cancelled', 'The request was called off.')
}
