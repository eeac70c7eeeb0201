import { endpointUrlSchema } from '../../shared/domain/chain.ts'
import type { EndpointTest } from '../../shared/domain/chain.ts'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import { openWire, readChainId } from './endpoint.ts'
import { headerRequest, readHeader } from './heads/header.ts'
import { chainLimits } from './limits.ts'
import { ChainRequestError } from './request-error.ts'
import type { Wire, WireOptions } from './wires/wire.ts'

/**
 * Tries an address before it is saved: chain id, head, latency, and whether it pushes heads. Takes about 5 s at
 * most and never throws: the result says what is wrong.
 */
export async function testEndpoint(
  subject: { readonly chainId: string; readonly url: string },
  signal?: AbortSignal,
): Promise<EndpointTest> {
  const found: EndpointTest = {
    ok: false,
    chainId: null,
    head: null,
    latencyMs: null,
    pushesHeads: null,
    error: null,
  }
  const url = endpointUrlSchema.safeParse(subject.url)
  if (!url.success) {
    const message = url.error.issues[0]?.message ?? 'This is not a full address.'
    return { ...found, error: new PaddockError('chain.bad_endpoint', message).toReport() }
  }
  const wire = openWire(new URL(url.data))
  const startedAt = performance.now()
  const bounds = (): WireOptions => ({
    timeoutMs: chainLimits.testMs - (performance.now() - startedAt),
    signal,
  })
  try {
    await examine(wire, subject.chainId, found, bounds)
    return { ...found, ok: true }
  } catch (error) {
    return { ...found, error: toErrorReport(error, 'chain.unreachable') }
  } finally {
    wire.close()
  }
}

async function examine(
  wire: Wire,
  chainId: string,
  found: EndpointTest,
  bounds: () => WireOptions,
): Promise<void> {
  found.chainId = readChainId(await answerOf(wire, 'eth_chainId', '[]', bounds()))
  // Timed on the second request, which pays for no connection.
  const sentAt = performance.now()
  const { method, params } = headerRequest('latest')
  const header = readHeader(JSON.parse(await answerOf(wire, method, params, bounds())))
  found.latencyMs = performance.now() - sentAt
  found.head = Number(header.number)
  found.pushesHeads = await canPushHeads(wire, bounds())
  if (found.chainId !== chainId) {
    throw new ChainRequestError(
      'wrong-chain',
      `The endpoint serves chain ${found.chainId} instead of ${chainId}.`,
    )
  }
}

async function answerOf(
  wire: Wire,
  method: string,
  params: string | undefined,
  bounds: WireOptions,
): Promise<string> {
  const answer = await wire.call({ method, params }, bounds)
  if (!answer.ok) throw answer.error
  return answer.result
}

async function canPushHeads(wire: Wire, bounds: WireOptions): Promise<boolean> {
  if (wire.subscribe === undefined) return false
  try {
    const ignore = (): void => undefined
    await wire.subscribe('["newHeads"]', { onItem: ignore, onEnd: ignore }, bounds)
    return true
  } catch (error) {
    if (error instanceof ChainRequestError && error.kind === 'rpc') return false
    throw error
  }
}
