import { z } from 'zod'
import { maxChainBatchEntries, maxChainCallCharacters } from '../../../shared/domain/limits.ts'
import { extraMethodsOf } from '../../../shared/domain/operator/grants.ts'
import type { HostError } from '../../../shared/sandbox/host-error.ts'
import type { ChainPool } from '../../chains/chain-pool.ts'
import { unknownChain } from '../../chains/chain.ts'
import { asChainRequestError } from '../../chains/request-error.ts'
import type { RpcAnswer, RpcRequest } from '../../chains/wires/rpc-codec.ts'
import type { Capability, HostCallContext } from '../capability.ts'
import { deniedMethod, noMetrics } from '../../telemetry/metrics/metrics-port.ts'
import type { MetricsPort } from '../../telemetry/metrics/metrics-port.ts'
import type { AccountSigner } from '../identity/account-signer.ts'
import { Delegation, mayDelegate } from './delegation/delegation.ts'
import type { ChainAccess } from './delegation/delegation.ts'
import { chainFailure, rpcCodes, toHostFailure } from './failures.ts'
import { grantedExtras, judgeMethod } from './method-policy.ts'

const chainId = z.bigint().min(0n).max(0xffff_ffff_ffff_ffffn)
const requestArgs = z.tuple([chainId, z.string(), z.string()])
const batchArgs = z.tuple([chainId, z.array(z.object({ method: z.string(), params: z.string() }))])

/** The WIT variant `rpc-result`: one entry of a batch. */
export type RpcResult =
  { readonly tag: 'ok'; readonly val: string } | { readonly tag: 'err'; readonly val: HostError }

type PoolForGuests = Pick<ChainPool, 'has' | 'config' | 'request' | 'requestBatch'>

/** What a guest's request comes to: sent with others, or done by itself. */
type Prepared = { readonly send: RpcRequest } | { readonly act: () => Promise<string> }

/** `nexum:host/chain` under the method policy of spec nexum-host 8.6. Without a signer there are no accounts. */
export function createChainCapability(
  pool: PoolForGuests,
  signer: AccountSigner | null = null,
  metrics: MetricsPort = noMetrics,
): Capability {
  const calls = new ChainCalls(pool, signer, metrics)
  return {
    name: 'chain',
    functions: {
      request: (args, context) => calls.request(args, context),
      'request-batch': (args, context) => calls.requestBatch(args, context),
    },
  }
}

class ChainCalls {
  readonly #pool: PoolForGuests
  readonly #delegation: Delegation
  readonly #metrics: MetricsPort

  constructor(pool: PoolForGuests, signer: AccountSigner | null, metrics: MetricsPort) {
    this.#pool = pool
    this.#delegation = new Delegation(signer)
    this.#metrics = metrics
  }

  async request(args: readonly unknown[], context: HostCallContext): Promise<string> {
    const [chain, method, params] = checkArgs(requestArgs, args)
    checkSize([{ method, params }])
    const prepared = this.#prepare(chain.toString(), method, params, context)
    try {
      if ('act' in prepared) return await prepared.act()
      const { send } = prepared
      return await this.#pool.request(chain.toString(), send.method, send.params, { signal: context.signal })
    } catch (error) {
      throw toHostFailure(error)
    }
  }

  async requestBatch(args: readonly unknown[], context: HostCallContext): Promise<RpcResult[]> {
    const [chain, requests] = checkArgs(batchArgs, args)
    if (requests.length > maxChainBatchEntries) {
      throw chainFailure('invalid-input', 0, 'The batch has more entries than are allowed.')
    }
    checkSize(requests)
    const results: RpcResult[] = []
    const forward: { readonly index: number; readonly send: RpcRequest }[] = []
    for (const [index, { method, params }] of requests.entries()) {
      try {
        const prepared = this.#prepare(chain.toString(), method, params, context)
        // In their order: a transaction may stand on the one before it.
        if ('act' in prepared) results[index] = { tag: 'ok', val: await prepared.act() }
        else forward.push({ index, send: prepared.send })
      } catch (error) {
        results[index] = failed(error)
      }
    }
    const sent = forward.map(({ send }) => send)
    const answers = await this.#forward(chain.toString(), sent, context)
    for (const [position, { index }] of forward.entries()) {
      const answer = answers[position]
      results[index] = answer?.ok === true ? { tag: 'ok', val: answer.result } : failed(answer?.error)
    }
    return results
  }

  /** A failure of the whole round trip is every entry's own: the batch itself never fails for it. */
  async #forward(
    chain: string,
    requests: readonly RpcRequest[],
    context: HostCallContext,
  ): Promise<readonly RpcAnswer[]> {
    if (requests.length === 0) return []
    try {
      return await this.#pool.requestBatch(chain, requests, { signal: context.signal })
    } catch (thrown) {
      const error = asChainRequestError(thrown)
      return requests.map(() => ({ ok: false, error }))
    }
  }

  /** The checks in their order: method policy, chain known, params; all before any I/O. */
  #prepare(chain: string, method: string, params: string, context: HostCallContext): Prepared {
    const config = this.#pool.config(chain)
    const verdict = judgeMethod(method, {
      signingMethods: config?.signingMethods ?? 'delegate',
      extras: grantedExtras(
        context.manifest.extraChainMethods,
        config?.extraMethods ?? [],
        extraMethodsOf(context.record),
      ),
    })
    if (verdict === 'denied') {
      this.#metrics.rpcRequest(chain, deniedMethod, 'err', 0, null)
      throw chainFailure('denied', rpcCodes.methodNotFound, 'The method is not allowed.')
    }
    if (verdict === 'signing' && !mayDelegate(context)) {
      throw chainFailure('denied', 0, `No account is granted for ${method}.`)
    }
    if (!this.#pool.has(chain)) throw toHostFailure(unknownChain(chain))
    const checked = checkParams(params)
    switch (verdict) {
      case 'read':
        return { send: { method, params: checked } }
      case 'extra':
        // What it does is not known: never sent twice.
        return { act: () => this.#once(chain, method, checked, context) }
      case 'accounts':
        return { act: () => this.#delegation.accounts(context) }
      case 'signing':
        return {
          act: () => this.#delegation.sign(method, checked, chain, this.#access(chain, context), context),
        }
    }
  }

  #access(chain: string, context: HostCallContext): ChainAccess {
    return {
      ask: (method, params) =>
        this.#pool.request(chain, method, JSON.stringify(params), { signal: context.signal }),
      broadcast: (transaction) =>
        this.#once(chain, 'eth_sendRawTransaction', JSON.stringify([transaction]), context),
    }
  }

  #once(
    chain: string,
    method: string,
    params: string | undefined,
    context: HostCallContext,
  ): Promise<string> {
    return this.#pool.request(chain, method, params, { signal: context.signal, isOnce: true })
  }
}

/** Sandboxes refuse this already; what is parsed on the engine's main thread is measured on this side too. */
function checkSize(requests: readonly { readonly method: string; readonly params: string }[]): void {
  const characters = requests.reduce((sum, { method, params }) => sum + method.length + params.length, 0)
  if (characters <= maxChainCallCharacters) return
  throw chainFailure('invalid-input', 0, 'The request is larger than is allowed.')
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
