import type { LimitBounds, ModuleLimits } from '../../shared/domain/limits.ts'
import type { ModuleView } from '../../shared/domain/module.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'
import { groupDigits, narrowSpace } from '../format/numbers.ts'

/** Limits the operator set; absent or undefined where not. */
type SetLimits = ModuleView['limitsSet']

export interface LimitUnit {
  readonly unit: string
  /** How much of the limit one unit is. */
  readonly scale: number
}

/** The unit each limit is typed in. */
export const limitUnits: Readonly<Record<keyof ModuleLimits, LimitUnit>> = {
  fuelPerCall: { unit: 'M', scale: 1_000_000 },
  memoryBytes: { unit: 'MiB', scale: 1_048_576 },
  deadlineMs: { unit: 's', scale: 1_000 },
  storeBytes: { unit: 'MiB', scale: 1_048_576 },
  queueEvents: { unit: 'events', scale: 1 },
}

export const limitKeys = Object.keys(limitUnits) as (keyof ModuleLimits)[]

export type ParsedLimit =
  { readonly value: number | null; readonly error: null } | { readonly value: null; readonly error: string }

/** What was typed for a limit: empty for none, else a decimal number of its unit within the bounds. */
export function parseLimit(
  text: string,
  { unit, scale }: LimitUnit,
  { min, max }: LimitBounds[keyof ModuleLimits],
): ParsedLimit {
  const trimmed = text.trim()
  if (trimmed === '') return { value: null, error: null }
  if (!/^\d{1,16}(\.\d{1,9})?$/.test(trimmed)) return { value: null, error: 'A number, such as 64 or 0.5' }
  const value = Math.round(Number(trimmed) * scale)
  // Rounded towards the inside, so that the bound shown is itself allowed.
  if (value > max)
    return { value: null, error: `At most ${inUnits(Math.floor((max / scale) * 100) / 100, unit)}` }
  if (value < min) return { value: null, error: `At least ${inUnits(min / scale, unit)}` }
  return { value, error: null }
}

function inUnits(amount: number, unit: string): string {
  const text = Number.isInteger(amount) ? groupDigits(amount) : String(amount)
  return `${text}${narrowSpace}${unit}`
}

/** A limit as it would be typed. */
export function limitText(value: number | undefined, { scale }: LimitUnit): string {
  // Nine decimals of a mebibyte are less than one byte; no exponent, which would not be read back.
  return value === undefined ? '' : (value / scale).toFixed(9).replace(/\.?0+$/, '')
}

/** A module's limits while they are edited: checked as one types, saved as a whole. */
export class LimitsDraft {
  texts = $state<Record<keyof ModuleLimits, string>>(textsOf({}))
  saving = $state(false)
  error = $state.raw<ErrorReport | null>(null)
  readonly #client: PaddockClient
  readonly #name: string
  #saved = $state.raw<SetLimits>({})
  #bounds = $state.raw<LimitBounds | null>(null)

  constructor(client: PaddockClient, name: string, saved: SetLimits) {
    this.#client = client
    this.#name = name
    this.#saved = saved
    this.texts = textsOf(saved)
  }

  /** Asks what this machine allows; until it answers, the engine alone judges. */
  async open(): Promise<void> {
    try {
      this.#bounds = await this.#client.modules.limitBounds({ name: this.#name })
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    }
  }

  /** What the engine holds changed; what is being typed stays. */
  follow(saved: SetLimits): void {
    if (!this.changed) this.texts = textsOf(saved)
    this.#saved = saved
  }

  parsed(key: keyof ModuleLimits): ParsedLimit {
    const bounds = this.#bounds?.[key] ?? { min: 0, max: Number.MAX_SAFE_INTEGER }
    return parseLimit(this.texts[key], limitUnits[key], bounds)
  }

  get changed(): boolean {
    const saved = textsOf(this.#saved)
    return limitKeys.some((key) => this.texts[key].trim() !== saved[key])
  }

  get valid(): boolean {
    return limitKeys.every((key) => this.parsed(key).error === null)
  }

  /** Whether saving starts the module anew. */
  get restarts(): boolean {
    return (['memoryBytes', 'storeBytes'] as const).some(
      (key) => (this.parsed(key).value ?? undefined) !== this.#saved[key],
    )
  }

  discard(): void {
    this.texts = textsOf(this.#saved)
    this.error = null
  }

  /** Answers whether it was saved; `error` says why not. */
  async save(): Promise<boolean> {
    if (!this.valid || this.saving) return false
    const limits: Partial<ModuleLimits> = {}
    for (const key of limitKeys) {
      const { value } = this.parsed(key)
      if (value !== null) limits[key] = value
    }
    this.saving = true
    this.error = null
    try {
      await this.#client.modules.setLimits({ name: this.#name, limits })
      this.#saved = limits
      this.texts = textsOf(limits)
      return true
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      return false
    } finally {
      this.saving = false
    }
  }
}

function textsOf(limits: SetLimits): Record<keyof ModuleLimits, string> {
  return Object.fromEntries(limitKeys.map((key) => [key, limitText(limits[key], limitUnits[key])])) as Record<
    keyof ModuleLimits,
    string
  >
}
