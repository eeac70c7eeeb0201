import type { ChainConfig, ChainView, EndpointTest } from '../../shared/domain/chain.ts'
import { PaddockError } from '../../shared/errors.ts'
import { sampleEndpoint } from './samples.ts'

/** A chain right after its configuration was saved: nothing of its endpoints is known yet. */
export function savedChain(config: ChainConfig, known: ChainView | undefined): ChainView {
  const fresh: Omit<ChainView, 'config' | 'endpoints'> = {
    devnet: false,
    status: 'connecting',
    error: null,
    head: null,
    modules: [],
    requestsPerSecond: 0,
    reconnects: 0,
    blocksBackfilled: 0,
    blocksSkipped: 0,
    failovers: 0,
    timeline: [],
    logFilters: 0,
    logsBackfilled: 0,
    logsRemoved: 0,
  }
  const unmeasured = { latencyMsP50: null, latencyMsP95: null, latencyMsP99: null, requests: 0, errors: 0 }
  const endpoints = config.endpoints.map(({ url }) =>
    sampleEndpoint(url, { health: 'connecting', ...unmeasured }),
  )
  return { ...(known ?? fresh), config, endpoints }
}

/** What a try of an endpoint answers: none with "dead" in its address is there. */
export function triedEndpoint({ chainId, url }: { chainId: string; url: string }): EndpointTest {
  if (url.includes('dead')) {
    const error = new PaddockError('chain.unreachable', 'Nothing answers at this address.').toReport()
    return { ok: false, chainId: null, head: null, latencyMs: null, pushesHeads: null, error }
  }
  return { ok: true, chainId, head: 12_845, latencyMs: 38, pushesHeads: url.startsWith('ws'), error: null }
}
