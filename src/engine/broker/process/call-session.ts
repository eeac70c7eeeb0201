/** One call's share of the broker: its policy, its lease, what it sent. Gone when the call is closed. */
import type { BrokerAnswer } from '../../../shared/tool-broker/protocol.ts'
import { secretNameSchema, type HttpAnswer } from '../../../shared/contracts/tool.ts'
import type { BodyPartAnswer, HttpHead } from '../../../shared/contracts/tool-body.ts'
import type { SentRequest } from '../../../shared/contracts/tool-call.ts'
import type { CallPolicy, OutputVerdict } from '../../contracts/tool/broker.ts'
import type { Clock } from '../../clock.ts'
import type { Egress } from '../../egress/egress.ts'
import { CallAccount } from '../egress/call-account.ts'
import type { CallContext } from '../egress/call-context.ts'
import { failureAnswer } from '../egress/failures.ts'
import type { GuestHttpRequest } from '../egress/guest-request.ts'
import { answerRequest } from '../egress/pipeline.ts'
import type { RateWindows } from '../egress/rate-windows.ts'
import { EgressSum } from '../egress/request/request-size.ts'
import { TraceBook } from '../egress/trace-book.ts'
import type { ScanPool } from '../scan/scan-pool.ts'
import { leaseMs, type SecretLease, type SecretVault } from '../secrets/types.ts'
import type { WorkspaceOptions } from '../workspace/workspace-reader.ts'
import { BodyRelay } from './body-relay.ts'

const redacted = '[REDACTED]'
/** Spec tools 3. */
const maxReads = 200

export type ReadWorkspace = (options: WorkspaceOptions, path: string) => Promise<string | null>

/** What the calls of one broker share. */
export interface BrokerParts {
  readonly vault: SecretVault
  readonly scans: ScanPool
  readonly egress: Egress
  readonly rates: RateWindows
  readonly readWorkspace: ReadWorkspace
  readonly workspaceRoot: string
  readonly clock: Clock
}

export class CallSession {
  private readonly parts: BrokerParts
  private readonly context: CallContext
  private readonly lease: SecretLease
  /** When its values are gone; never where it has none. */
  private readonly leasedUntilMs: number
  private readonly cancelling = new AbortController()
  private readonly underWay = new Set<Promise<HttpAnswer>>()
  private readonly bodies: BodyRelay
  private reads = 0

  /** Leases what the policy's credentials name. */
  static async open(parts: BrokerParts, policy: CallPolicy): Promise<CallSession> {
    return new CallSession(parts, policy, await parts.vault.lease(policy.credentials))
  }

  private constructor(parts: BrokerParts, policy: CallPolicy, lease: SecretLease) {
    const { egress, rates, clock } = parts
    const values = lease.exact()
    const scanner = parts.scans.scanner(values)
    this.parts = parts
    this.bodies = new BodyRelay(policy.http.allow.length === 0 ? 0 : policy.http.maxRequestBytes)
    this.lease = lease
    this.leasedUntilMs = values.length === 0 ? Number.POSITIVE_INFINITY : clock.monotonicMs() + leaseMs
    this.context = {
      policy,
      egress,
      scanner,
      lease,
      rates,
      sum: new EgressSum(policy.http.maxEgressBytes),
      account: new CallAccount(),
      trace: new TraceBook(scanner, clock),
      clock,
      deadlineAtMs: clock.monotonicMs() + policy.deadlineMs,
      signal: this.cancelling.signal,
    }
  }

  /** Takes a part of the body of the next request; false when no more of it is wanted. */
  sendBody(part: Uint8Array): boolean {
    return !this.isOver() && this.bodies.take(part)
  }

  /** The request whose body was sent before, but for its last part. */
  async request(sent: SentRequest): Promise<HttpHead> {
    return this.bodies.head(await this.http(this.bodies.whole(sent)))
  }

  /** The part from `offset` on of the body of the last answer. */
  readBody(offset: number): BodyPartAnswer {
    if (this.cancelling.signal.aborted) return failureAnswer('cancelled', true)
    return this.isOver() ? failureAnswer('deadline_exceeded', true) : this.bodies.read(offset)
  }

  http(request: GuestHttpRequest): Promise<HttpAnswer> {
    const answer = answerRequest(this.context, request)
    this.underWay.add(answer)
    return answer.finally(() => this.underWay.delete(answer))
  }

  /** Null for whatever reason (spec tools 3). */
  async readWorkspace(path: string): Promise<string | null> {
    const { policy, scanner } = this.context
    if (this.isOver() || this.reads >= maxReads) return null
    this.reads += 1
    const { read, maxFileBytes } = policy.workspace
    const options = { root: this.parts.workspaceRoot, read, maxFileBytes }
    try {
      const text = await this.parts.readWorkspace(options, path)
      if (text === null) return null
      const redacted = await scanner.redactText(text)
      return this.isOver() ? null : redacted.text
    } catch {
      return null
    }
  }

  /** A value that this operation could have injected; false for all others alike (spec tools 3). */
  secretExists(name: string): boolean {
    const { policy } = this.context
    if (this.isOver() || !secretNameSchema.safeParse(name).success) return false
    return (
      policy.visibleSecrets.some((pattern) => isVisible(pattern, name)) &&
      policy.credentials.some((rule) => rule.secret === name) &&
      this.parts.vault.has(name)
    )
  }

  async scanOutput(text: string): Promise<OutputVerdict> {
    // Without the values nobody can say that the output does not hold one.
    if (this.isBlind()) return { kind: 'blocked' }
    const scan = await this.context.scanner.scanOutput(text)
    return scan.kind === 'passed'
      ? { kind: 'passed', text: scan.text, redactions: scan.redactions }
      : { kind: scan.kind }
  }

  async scrub(texts: readonly string[], maxBytes: number): Promise<string[]> {
    if (this.isBlind()) return texts.map((text) => (text === '' ? '' : redacted))
    return await this.context.scanner.scrub(texts, { maxBytes })
  }

  cancel(): void {
    this.cancelling.abort()
    this.bodies.clear()
  }

  async figures(): Promise<BrokerAnswer<'figures'>> {
    const { account, trace } = this.context
    const { egressBytes, totalBytesOut, bytesIn, httpRequests, lastStatus, missingSecrets } = account
    return {
      egressBytes,
      totalBytesOut,
      bytesIn,
      httpRequests,
      lastStatus,
      missingSecrets: [...missingSecrets],
      trace: await trace.read(),
    }
  }

  /** Ends what is under way and counts it, then overwrites what was leased. */
  async close(): Promise<BrokerAnswer<'figures'>> {
    this.cancel()
    try {
      await Promise.allSettled(this.underWay)
      return await this.figures()
    } finally {
      this.lease.end()
    }
  }

  /** Its values are gone: whether a text holds one cannot be told any more. */
  private isBlind(): boolean {
    return this.parts.clock.monotonicMs() >= this.leasedUntilMs
  }

  private isOver(): boolean {
    if (this.cancelling.signal.aborted) return true
    return this.parts.clock.monotonicMs() >= this.context.deadlineAtMs
  }
}

/** Exact, or with one trailing `*` (spec tools 2). */
function isVisible(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}
