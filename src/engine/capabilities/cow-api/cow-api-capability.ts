/** `shepherd:cow/cow-api`: the order book of each chain, and nothing beside it (spec nexum-host 8.7). */
import { z } from 'zod'
import type { ChainId } from '../../../shared/domain/primitives.ts'
import type { HostErrorKind } from '../../../shared/sandbox/host-error.ts'
import type { EgressResponse } from '../../egress/types.ts'
import type { Capability } from '../capability.ts'
import { HostFailure } from '../capability.ts'
import { kindOfStatus } from '../egress-failure.ts'
import type { SendToService } from '../services/service-http.ts'
import { orderBookBase, resolveBelow } from './base-urls.ts'
import { checkOrder, readOrderUid, readRejection } from './order.ts'

const timeoutMs = 30_000
/** Bytes of an answer, which the guest gets as text and, of an error, inside it. */
const maxResponseBytes = 4 * 1024 * 1024
const methods: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE']

const chainId = z.bigint().min(0n).max(0xffff_ffff_ffff_ffffn)
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const requestArgs = z.tuple([chainId, z.string(), z.string(), z.string().optional()])
const submitArgs = z.tuple([chainId, bytes])

export interface CowApiOptions {
  /** The operator's order book of a chain, or null for the protocol's own. Looked up at each call. */
  readonly override: (chainId: ChainId) => string | null
  readonly send: SendToService
  /** Told of each order that was handed over: whether the order book took it. */
  readonly onSubmit?: (chainId: ChainId, taken: boolean) => void
}

export function createCowApiCapability(options: CowApiOptions): Capability {
  return {
    name: 'cow-api',
    functions: {
      request: async (args, { signal }) => {
        const [chain, method, path, body] = checked(
          requestArgs,
          args.length === 3 ? [...args, undefined] : args,
        )
        const base = baseOf(options, chain)
        const verb = method.toUpperCase()
        if (!methods.includes(verb)) throw invalid('The method is none of GET, POST, PUT and DELETE.')
        const url = resolveBelow(base, path)
        if (url === null) throw invalid('The path leads out of the order book.')
        const response = await exchange(options, url, verb, body, signal)
        const text = textOf(response)
        if (response.status < 400) return text
        throw failure(kindOfStatus(response.status), `HTTP ${response.status}`, response.status, text)
      },
      'submit-order': async (args, { signal }) => {
        const [chain, order] = checked(submitArgs, args)
        const base = baseOf(options, chain)
        const checkedOrder = await checkOrder(order)
        if (!checkedOrder.ok) throw invalid(checkedOrder.reason)
        let taken = false
        try {
          const url = new URL('api/v1/orders', base)
          const uid = submitted(await exchange(options, url, 'POST', checkedOrder.json, signal))
          taken = true
          return uid
        } finally {
          options.onSubmit?.(chain.toString(), taken)
        }
      },
    },
  }
}

/** The UID, or why there is none: only a rejection that the order book explains brings data. */
function submitted(response: EgressResponse): string {
  const { status } = response
  const text = textOf(response)
  if (status < 300) {
    const uid = readOrderUid(text)
    if (uid !== null) return uid
    throw failure('internal', 'The order book answered without the UID of the order.', 0)
  }
  if (status < 400) throw failure('unavailable', `HTTP ${status}`, status)
  const rejection = status < 500 && status !== 429 ? readRejection(text) : null
  if (rejection !== null) throw failure('denied', 'The order book refused the order.', status, rejection)
  throw failure(kindOfStatus(status), `HTTP ${status}`, status)
}

function baseOf({ override }: CowApiOptions, chain: bigint): URL {
  const base = orderBookBase(chain.toString(), override(chain.toString()))
  if (base !== null) return base
  throw failure('unsupported', `Chain ${chain} has no order book.`, 501)
}

function exchange(
  { send }: CowApiOptions,
  url: URL,
  method: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<EgressResponse> {
  return send({
    method,
    url,
    headers: [
      ['accept', 'application/json'],
      ...(body === undefined ? [] : [['content-type', 'application/json'] as const]),
    ],
    timeoutMs,
    maxResponseBytes,
    signal,
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  })
}

function textOf({ body }: EgressResponse): string {
  return Buffer.from(body).toString('utf8')
}

function checked<T>(schema: z.ZodType<T>, args: readonly unknown[]): T {
  const parsed = schema.safeParse(args)
  if (parsed.success) return parsed.data
  throw invalid('The call does not have the shape of its interface.')
}

function invalid(message: string): HostFailure {
  return failure('invalid-input', message, 0)
}

function failure(kind: HostErrorKind, message: string, code: number, data?: string): HostFailure {
  return new HostFailure('cow-api', kind, message, data === undefined ? { code } : { code, data })
}
