import type { Arena } from './arena.ts'

/** One thing that goes wrong, how often it is tried, and what it must leave unharmed. */
export interface Fault {
  readonly name: string
  /** How it is provoked, in words. */
  readonly how: string
  readonly times: { readonly short: number; readonly long: number }
  /** What is checked after every trial besides the witnesses, in words. */
  readonly survives: string
  /** Why it cannot be provoked on this machine, or null. */
  readonly impossible?: () => Promise<string | null>
  /** Most milliseconds of main-loop delay at the 99th percentile, where the fault is about that. */
  readonly delayBoundMs?: number
  /** Readies what all trials share. */
  readonly prepare?: (arena: Arena) => Promise<void>
  /** Provokes it once and checks; throws when something did not survive. `trial` counts from 0. */
  readonly provoke: (arena: Arena, trial: number) => Promise<void>
  /** Puts away what the trials left; also called after a failure. */
  readonly tidy?: (arena: Arena) => Promise<void>
}

export class DidNotSurvive extends Error {}

/** Throws `DidNotSurvive` unless it holds. */
export function mustHold(holds: boolean, what: string): asserts holds {
  if (!holds) throw new DidNotSurvive(what)
}

export function mustEqual(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  mustHold(a === b, `${what}: ${a}, not ${b}`)
}

/** Waits until it holds, looking often; throws `DidNotSurvive` after `waitMs`. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  waitMs = 20_000,
): Promise<void> {
  const end = performance.now() + waitMs
  while (!(await holds())) {
    mustHold(performance.now() < end, `not within ${waitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}
