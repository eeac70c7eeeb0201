import { urlScrubber } from '../../url-scrubber.ts'
import { ChainRequestError } from '../request-error.ts'
import type { RpcAnswer, RpcRequest } from './rpc-codec.ts'
import type { Subscriber, Wire, WireOptions } from './wire.ts'

/** Revert data must stay exact (spec nexum-host 8.6): a shorter secret might stand in it by chance. */
const shortestInData = 16

interface Scrub {
  readonly text: (text: string) => string
  readonly data: (text: string) => string
}

/**
 * A wire whose node cannot pass on what is secret in its own address: errors of nodes and of proxies before them
 * repeat it at times, and go to guests and logs (spec nexum-host 5.5, 7.3). Results pass unchanged.
 */
export function scrubbedWire(wire: Wire, address: string): Wire {
  const scrub: Scrub = { text: urlScrubber(address), data: urlScrubber(address, shortestInData) }
  const ofNode = (error: unknown): unknown =>
    error instanceof ChainRequestError && error.kind === 'rpc' ? scrubbed(error, scrub) : error
  const inAnswer = (answer: RpcAnswer): RpcAnswer =>
    answer.ok || answer.error.kind !== 'rpc' ? answer : { ok: false, error: scrubbed(answer.error, scrub) }
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw ofNode(error)
    }
  }
  return {
    transport: wire.transport,
    call: async (request: RpcRequest, options: WireOptions) =>
      inAnswer(await settled(wire.call(request, options))),
    callBatch: async (requests: readonly RpcRequest[], options: WireOptions) =>
      (await settled(wire.callBatch(requests, options))).map(inAnswer),
    ...optionalCalls(wire, settled),
    close: () => wire.close(),
  }
}

/** What only some wires can: a wire without it stays one without it. */
function optionalCalls(
  wire: Wire,
  settled: <T>(work: Promise<T>) => Promise<T>,
): Pick<Wire, 'subscribe' | 'reset'> {
  const subscribe = wire.subscribe?.bind(wire)
  const reset = wire.reset?.bind(wire)
  return {
    ...(subscribe === undefined
      ? {}
      : {
          subscribe: (params: string, listener: Subscriber, options: WireOptions) =>
            settled(subscribe(params, listener, options)),
        }),
    ...(reset === undefined ? {} : { reset }),
  }
}

function scrubbed(error: ChainRequestError, scrub: Scrub): ChainRequestError {
  const { rpcCode, data, httpStatus, retryAfterMs } = error
  return new ChainRequestError('rpc', scrub.text(error.message), {
    ...(rpcCode === undefined ? {} : { rpcCode }),
    ...(data === undefined ? {} : { data: scrub.data(data) }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}
