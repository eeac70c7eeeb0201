/** `nexum:host/http`: one exchange under the module's allowlist (spec nexum-host 8.8). */
import type { OperatorLimits } from '../../../shared/domain/operator/limits.ts'
import { moduleGrants } from '../../../shared/domain/operator/grants.ts'
import { matchesAnyHost } from '../../egress/host-patterns.ts'
import type { Egress } from '../../egress/egress.ts'
import { PermittedDestinations } from '../../egress/permitted-destinations.ts'
import { parseTarget } from '../../egress/target.ts'
import type { Timeouts } from '../../egress/deadlines.ts'
import type { Capability, HostCallContext } from '../capability.ts'
import { HostFailure } from '../capability.ts'
import { egressFailure } from '../egress-failure.ts'
import { checkRequest, requestArgs, type HttpResponse } from './request.ts'

type HttpLimits = OperatorLimits['http']

/** One exchange as it may be told: never path, query or headers (spec nexum-host 8.8). */
export interface HttpExchange {
  readonly module: string
  readonly run: number
  readonly host: string
  /** Status of the answer, or the kind of the failure. */
  readonly outcome: string
  readonly durationMs: number
}

export interface HttpCapabilityOptions {
  readonly egress: Egress
  /** Looked up at each call: the operator may change them. */
  readonly limits: () => HttpLimits
  readonly now: () => number
  readonly onExchange?: (exchange: HttpExchange) => void
}

export function createHttpCapability(options: HttpCapabilityOptions): Capability {
  return { name: 'http', functions: { fetch: (args, context) => fetch(options, args, context) } }
}

/**
 * Whether the module may reach the host: it asked for it, and the operator did not refuse the pattern that names it.
 * A host that is refused by its own name stays so, whatever wider pattern is granted.
 */
export function isAllowedHost(
  { manifest, record }: Pick<HostCallContext, 'manifest' | 'record'>,
  host: string,
): boolean {
  const refused = new Set(moduleGrants(record).refusedHosts.map((each) => each.toLowerCase()))
  const granted = manifest.capabilities.httpAllow.filter((each) => !refused.has(each.toLowerCase()))
  const ofItself = [...refused].filter((each) => !each.startsWith('*.'))
  return matchesAnyHost(granted, host) && !matchesAnyHost(ofItself, host)
}

async function fetch(
  options: HttpCapabilityOptions,
  args: readonly unknown[],
  context: HostCallContext,
): Promise<HttpResponse> {
  const parsed = requestArgs.safeParse(args)
  if (!parsed.success) throw invalid('The call does not have the shape of its interface.')
  const [request] = parsed.data
  const url = targetOf(request.url)
  if (!isAllowedHost(context, url.hostname)) {
    throw new HostFailure('http', 'denied', `${url.hostname} is not a host this module may reach.`)
  }
  const checked = checkRequest(request)
  const limits = options.limits()
  const began = options.now()
  const tell = (outcome: string): void => {
    const { module, run } = context
    options.onExchange?.({ module, run, host: url.hostname, outcome, durationMs: options.now() - began })
  }
  try {
    const { status, headers, body } = await options.egress.request({
      url,
      ...checked,
      timeouts: timeoutsFor(request.timeoutMs, limits),
      maxResponseBytes: limits.responseBodyMaxBytes,
      permitted: permittedFor(context, limits),
      signal: context.signal,
    })
    tell(String(status))
    return { status, headers: headers.map(([name, value]) => ({ name, value })), body }
  } catch (error) {
    const failure = egressFailure('http', error)
    tell(failure.hostError.kind)
    throw failure
  }
}

function targetOf(text: string): URL {
  try {
    return parseTarget(text)
  } catch (error) {
    throw egressFailure('http', error)
  }
}

/** The guest's wish bounds each phase and the whole; the operator's ceilings bound the wish (at least 1 ms). */
function timeoutsFor(wishedMs: number | undefined, limits: HttpLimits): Timeouts {
  const wish = Math.max(1, wishedMs ?? Number.POSITIVE_INFINITY)
  return {
    connectMs: Math.min(wish, limits.connectTimeoutMaxMs),
    firstByteMs: Math.min(wish, limits.firstByteTimeoutMaxMs),
    betweenBytesMs: Math.min(wish, limits.betweenBytesTimeoutMaxMs),
    totalMs: Math.min(wish, limits.totalDeadlineMs),
  }
}

function permittedFor({ record }: HostCallContext, limits: HttpLimits): PermittedDestinations {
  return new PermittedDestinations([...limits.permitDestinations, ...moduleGrants(record).permitDestinations])
}

function invalid(message: string): HostFailure {
  return new HostFailure('http', 'invalid-input', message)
}
