/** Requests that never reached the broker, as the operator sees them: what they need was not granted (spec tools 4, step 9). */
import type { CredentialRule } from '../../../../shared/contracts/tool.ts'
import type { EgressTrace } from '../../../../shared/domain/tool.ts'
import type { BrokeredCall } from '../broker.ts'

/** Refused requests cost a guest nothing, so only so many are told of a call. */
export const maxWithheldTraces = 200
const maxUrlBytes = 2_048

/** `url` is an address that could be read; only its origin and path are told. */
export function withheldTrace(
  at: number,
  request: { readonly method: string; readonly url: string },
  withheld: readonly CredentialRule[],
): EgressTrace {
  const { origin, pathname, hostname } = new URL(request.url)
  const names = withheld.filter(({ hosts }) => hosts.includes(hostname)).map(({ secret }) => secret)
  return {
    at,
    method: request.method.slice(0, 32),
    url: origin + pathname,
    hop: 0,
    verdict: {
      kind: 'refused',
      step: 'credentials',
      code: 'credential_unavailable',
      reason: `${[...new Set(names)].join(', ')} is not granted for ${hostname}.`,
    },
    injected: [],
    peer: null,
    status: null,
    requestBytes: 0,
    responseBytes: 0,
    redactions: 0,
    durationMs: 0,
  }
}

/** The entries without secrets in what the guest wrote; none where that could not be looked at. */
export async function scrubbedTraces(
  traces: readonly EgressTrace[],
  brokered: Pick<BrokeredCall, 'scrub'>,
): Promise<EgressTrace[]> {
  if (traces.length === 0) return []
  const texts = traces.flatMap(({ method, url }) => [method, url])
  const clean = await brokered.scrub(texts, maxUrlBytes).catch(() => undefined)
  if (clean === undefined) return []
  return traces.map((trace, index) => ({
    ...trace,
    method: clean[index * 2] ?? '',
    url: clean[index * 2 + 1] ?? '',
  }))
}
