/** What a call may use at most, and what it used, as the governor counts it (spec tools 12). */
import type { ToolDeclaration } from '../../../../shared/contracts/tool.ts'
import type { ToolUsage } from '../../../../shared/domain/tool.ts'
import type { Amounts } from '../../../governor/amounts.ts'

/** Timeout, output cap, egress, requests, one invocation and one slot. */
export function estimateOf({ limits, http }: ToolDeclaration, timeoutMs: number): Amounts {
  return {
    wall_clock_ms: timeoutMs,
    output_bytes: limits.outputBytes,
    network_egress_bytes: http.maxEgressBytes ?? http.maxRequestBytes,
    http_requests: http.requestsPerCall,
    invocations: 1,
    concurrency_slots: 1,
  }
}

/** What is added to the accounts; a slot exists only while it is held. */
export function actualOf(usage: ToolUsage): Amounts {
  return {
    wall_clock_ms: usage.wallMs,
    output_bytes: usage.outputBytes,
    network_egress_bytes: usage.egressBytes,
    network_ingress_bytes: usage.bytesIn,
    http_requests: usage.httpRequests,
    invocations: 1,
  }
}

/** Whether a guest did anything that counts (spec tools 10); what never ran is released. */
export function isAccountable(usage: ToolUsage): boolean {
  const { wallMs, outputBytes, totalBytesOut, egressBytes, httpRequests, invocations } = usage
  return [wallMs, outputBytes, totalBytesOut, egressBytes, httpRequests, invocations].some((each) => each > 0)
}
