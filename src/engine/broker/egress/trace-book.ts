/** What the operator sees of a call's requests: one entry for each hop, redacted (issue 6). */
import type { EgressTrace } from '../../../shared/domain/tool.ts'
import type { Clock } from '../../clock.ts'
import type { CallScanner } from '../scan/types.ts'

/** Refused requests cost a guest nothing, so only so many are told. */
const maxRefused = 200
const maxOthers = 1_000
const maxMethodLength = 32
const maxUrlBytes = 2_048

/** Filled in while the hop goes through the steps. */
export interface HopNotes {
  readonly at: number
  readonly startedMs: number
  readonly method: string
  readonly url: string
  readonly hop: number
  rule: string
  injected: string[]
  peer: string | null
  status: number | null
  requestBytes: number
  responseBytes: number
  redactions: number
}

export class TraceBook {
  private readonly scanner: CallScanner
  private readonly clock: Clock
  private readonly entries: Promise<EgressTrace>[] = []
  private refused = 0

  constructor(scanner: CallScanner, clock: Clock) {
    this.scanner = scanner
    this.clock = clock
  }

  /** `url` as the guest or the server wrote it: nothing was injected yet. */
  begin(method: string, url: string, hop: number): HopNotes {
    return {
      at: this.clock.now(),
      startedMs: this.clock.monotonicMs(),
      method: method.slice(0, maxMethodLength),
      url,
      hop,
      rule: '',
      injected: [],
      peer: null,
      status: null,
      requestBytes: 0,
      responseBytes: 0,
      redactions: 0,
    }
  }

  end(notes: HopNotes, verdict: EgressTrace['verdict']): void {
    const isRefused = verdict.kind === 'refused'
    if (isRefused && this.refused >= maxRefused) return
    if (!isRefused && this.entries.length - this.refused >= maxOthers) return
    if (isRefused) this.refused += 1
    const { startedMs, ...rest } = notes
    const durationMs = Math.max(0, this.clock.monotonicMs() - startedMs)
    this.entries.push(this.redacted({ ...rest, verdict, durationMs }))
  }

  /** In the order the hops ended. */
  read(): Promise<EgressTrace[]> {
    return Promise.all(this.entries)
  }

  /** Method, URL and reason come from the guest or a server. */
  private async redacted(entry: EgressTrace): Promise<EgressTrace> {
    const reason = entry.verdict.kind === 'refused' ? entry.verdict.reason : ''
    const [method, url, scrubbedReason] = await this.scrub([entry.method, withoutUser(entry.url), reason])
    const verdict =
      entry.verdict.kind === 'refused' ? { ...entry.verdict, reason: scrubbedReason } : entry.verdict
    return { ...entry, method, url, verdict }
  }

  private async scrub(texts: [string, string, string]): Promise<[string, string, string]> {
    try {
      const [method = '', url = '', reason = ''] = await this.scanner.scrub(texts, { maxBytes: maxUrlBytes })
      return [method, url, reason]
    } catch {
      // Rather nothing than something that was not looked at.
      return ['', '[REDACTED]', '']
    }
  }
}

/** User-info is refused in requests, and shown nowhere. */
function withoutUser(text: string): string {
  return text.replace(/^([^/?#]*\/\/)[^/?#]*@/, '$1')
}
