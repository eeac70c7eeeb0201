import { z } from 'zod'
import { maxChainBatchEntries } from '../../../shared/domain/limits.ts'
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import type { ChainPool } from '../../chains/chain-pool.ts'
import { unknownChain } from '../../chains/chain.ts'
import { asChainRequestError } from '../../chains/request-error.ts'
import type { RpcAnswer, RpcRequest } from '../../chains/wires/rpc-codec.ts'
import type { Capability, HostCallContext } from '../capability.ts'
import { chainFailure, rpcCodes, toHostFailure } from './failures.ts'
import { judgeMethod } from './method-policy.ts'

const chainId = z.bigint().min(0n).max(0xffff_ffff_ffff_ffffn)
const requestArgs = z.tuple([chainId, z.string(), z.string()])
const batchArgs = z.tuple([chainId, z.array(z.object({ method: z.string(), params: z.string() }))])

/** The WIT variant `rpc-result`: one entry of a batch. */
export type RpcResult =
  { readonly tag: 'ok'; readonly val: string } | { readonly tag: 'err'; readonly val: HostError }

type PoolForGuests = Pick<ChainPool, 'has' | 'request' | 'requestBatch'>

/** What a guest's request comes to before anything is sent. */
type Prepared = { readonly answer: string } | { readonly send: RpcRequest }

/** `nexum:host/chain`: reads through the pool, under the method policy of spec nexum-host 8.6. */
export function createChainCapability(pool: PoolForGuests): Capability {
  return {
    name: 'chain',
    functions: {
      request: (args, context) => request(pool, args, context),
      'request-batch': (args, context) => requestBatch(pool, args, context),
    },
  }
}

async function request(
  pool: PoolForGuests,
  args: readonly unknown[],
  context: HostCallContext,
): Promise<string> {
  const [chain, method, params] = checkArgs(requestArgs, args)
  const prepared = prepare(pool, chain.toString(), method, params)
  if ('answer' in prepared) return prepared.answer
  try {
    const { send } = prepared
    return await pool.request(chain.toString(), send.method, send.params, { signal: context.signal })
  } catch (error) {
    throw toHostFailure(error)
  }
}

async function requestBatch(
  pool: PoolForGuests,
  args: readonly unknown[],
  context: HostCallContext,
): Promise<RpcResult[]> {
  const [chain, requests] = checkArgs(batchArgs, args)
  if (requests.length > maxChainBatchEntries) {
    throw chainFailure('invalid-input', 0, 'The batch has more entries than are allowed.')
  }
  const results: RpcResult[] = []
  const forward: { readonly index: number; readonly send: RpcRequest }[] = []
  for (const [index, { method, params }] of requests.entries()) {
    try {
      const prepared = prepare(pool, chain.toString(), method, params)
      if ('answer' in prepared) results[index] = { tag: 'ok', val: prepared.answer }
      else forward.push({ index, send: prepared.send })
    } catch (error) {
      results[index] = failed(error)
    }
  }
  const answers = await forwardAll(
    pool,
    chain.toString(),
    forward.map(({ send }) => send),
    context,
  )
  for (const [position, { index }] of forward.entries()) {
    const answer = answers[position]
    results[index] = answer?.ok === true ? { tag: 'ok', val: answer.result } : failed(answer?.error)
  }
  return results
}

/** A failure of the whole round trip is every entry's own: the batch itself never fails for it. */
async function forwardAll(
  pool: PoolForGuests,
  chain: string,
  requests: readonly RpcRequest[],
  context: HostCallContext,
): Promise<readonly RpcAnswer[]> {
  if (requests.length === 0) return []
  try {
    return await pool.requestBatch(chain, requests, { signal: context.signal })
  } catch (thrown) {
    const error = asChainRequestError(thrown)
    return requests.map(() => ({ ok: false, error }))
  }
}

/** The checks in their order: method policy, chain known, params; all before any I/O. */
function prepare(pool: PoolForGuests, chain: string, method: string, params: string): Prepared {
  const verdict = judgeMethod(method)
  if (verdict === 'signing') throw chainFailure('denied', 0, `No account is granted for ${method}.`)
  if (verdict === 'denied') {
    throw chainFailure('denied', rpcCodes.methodNotFound, 'The method is not allowed.')
  }
  if (!pool.has(chain)) throw toHostFailure(unknownChain(chain))
  const checked = checkParams(params)
  return verdict === 'accounts' ? { answer: '[]' } : { send: { method, params: checked } }
}

/** Params as they are sent: the guest's own text, or nothing for `null`. */
function checkParams(params: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(params)
  } catch {
    throw chainFailure('invalid-input', rpcCodes.invalidParams, 'The params are not JSON.')
  }
  if (value === null) return undefined
  if (typeof value === 'object') return params
  throw chainFailure('invalid-input', rpcCodes.invalidParams, 'The params are neither a list nor an object.')
}

function checkArgs<T>(schema: z.ZodType<T>, args: readonly unknown[]): T {
  const parsed = schema.safeParse(args)
  if (!parsed.success)
    throw chainFailure('invalid-input', 0, 'The call does not have the shape of its interface.')
  return parsed.data
}

function failed(error: unknown): RpcResult {
  return { tag: 'err', val: toHostFailure(error).hostError }
}
