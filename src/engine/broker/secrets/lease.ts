/** The values of one call, from when it was made until it ends (spec tools 4 step 9, 5). */
import type { CredentialRule, Injection } from '../../../shared/contracts/tool.ts'
import type { ExactSecret } from '../scan/types.ts'
import { leaseMs, type SecretLease, type StagedSecret, type Staging } from './types.ts'

export interface LeaseOptions {
  readonly rules: readonly CredentialRule[]
  /** The value, which the lease overwrites; null where none can be had. */
  readonly fetch: (name: string) => Buffer | null
  readonly onStaged: (names: readonly string[]) => void
  readonly onEnd: (lease: SecretLease) => void
}

interface Leased {
  /** On shared memory: scan threads read it where it is. */
  readonly value: Buffer
  readonly injections: readonly Injection[]
}

export class CallLease implements SecretLease {
  private readonly options: LeaseOptions
  private readonly leased = new Map<string, Leased>()
  private readonly timer: NodeJS.Timeout

  constructor(options: LeaseOptions) {
    this.options = options
    const { rules, fetch } = options
    for (const name of new Set(rules.map(({ secret }) => secret))) {
      const value = fetch(name)
      if (value === null) continue
      const injections = rules.filter(({ secret }) => secret === name).map(({ inject }) => inject)
      this.leased.set(name, { value: toShared(value), injections })
    }
    this.timer = setTimeout(() => this.end(), leaseMs)
    this.timer.unref()
  }

  exact(): readonly ExactSecret[] {
    return [...this.leased].map(([name, { value, injections }]) => ({ name, value, injections }))
  }

  stage(rules: readonly CredentialRule[]): Staging {
    const staged: StagedSecret[] = []
    const missing = new Set<string>()
    for (const rule of rules) {
      const value = this.leased.get(rule.secret)?.value
      if (value !== undefined) staged.push({ rule, value })
      else if (rule.required) missing.add(rule.secret)
    }
    if (missing.size > 0) return { ok: false, missing: [...missing] }
    this.options.onStaged(staged.map(({ rule }) => rule.secret))
    return { ok: true, staged }
  }

  end(): void {
    clearTimeout(this.timer)
    for (const { value } of this.leased.values()) value.fill(0)
    this.leased.clear()
    this.options.onEnd(this)
  }
}

/** Moves it; nothing is left where it was. */
function toShared(value: Buffer): Buffer {
  const shared = Buffer.from(new SharedArrayBuffer(value.length))
  value.copy(shared)
  value.fill(0)
  return shared
}
