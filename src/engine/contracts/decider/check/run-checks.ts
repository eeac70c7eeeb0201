/** Everything `paddock check` does with a decider, in the order of the specification (spec decider 13). */
import type { DeciderDescriptor } from '../../../../shared/contracts/decider.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { Sandbox } from '../../../sandboxes/sandbox.ts'
import { collectCases, type StoredStream } from './cases.ts'
import { budgets, noGrowth } from './checks/budget.ts'
import { parity, rehearseUpgrade, type OnStream } from './checks/compare.ts'
import type { Check, CheckContext } from './checks/context.ts'
import { same } from './checks/context.ts'
import { chunking, decideReadsOnly, replayTwice, reusedInstance } from './checks/determinism.ts'
import { decidedFolds, snapshotResume } from './checks/resume.ts'
import { damagedSnapshots, evolveIsAtomic, garbage, streamIds, unknownEvents } from './checks/robustness.ts'
import { coverage, playScenario } from './checks/scenarios.ts'
import { ScriptRunner, type Candidate } from './script-runner.ts'
import type { Suite } from './suite.ts'
import { judge, type CheckVerdict } from './verdict.ts'

export interface CheckRequest {
  readonly candidate: Candidate
  readonly suite: Suite | null
  /** Streams of an existing store, for histories and the upgrade rehearsal. */
  readonly streams: readonly StoredStream[]
  /** The version that runs now, to compare decisions with. */
  readonly running: Candidate | null
  /** Another artifact that must answer alike. */
  readonly parityWith: Candidate | null
  readonly strict: boolean
  /** Chooses the random inputs; the same seed chooses the same. */
  readonly seed: number
}

export interface CheckHooks {
  readonly launch: () => Sandbox
  readonly onVerdict: (verdict: CheckVerdict) => void
  readonly onStream?: OnStream
}

const checks: readonly Check[] = [
  replayTwice,
  reusedInstance,
  decideReadsOnly,
  chunking,
  snapshotResume,
  decidedFolds,
  evolveIsAtomic,
  unknownEvents,
  streamIds,
  garbage,
  damagedSnapshots,
  budgets,
  noGrowth,
  coverage,
]

/** Runs all checks and answers their verdicts. Throws `sandbox.*` when the decider cannot be put into a sandbox. */
export async function checkDecider(request: CheckRequest, hooks: CheckHooks): Promise<CheckVerdict[]> {
  const { candidate, suite, streams, running, parityWith } = request
  const runner = new ScriptRunner(candidate, hooks.launch)
  const others: ScriptRunner[] = []
  const other = (each: Candidate): ScriptRunner => {
    const made = new ScriptRunner(each, hooks.launch)
    others.push(made)
    return made
  }
  const verdicts: CheckVerdict[] = []
  const tell = (verdict: CheckVerdict): void => {
    verdicts.push(verdict)
    hooks.onVerdict(verdict)
  }
  try {
    const { descriptor, verdict } = await describe(runner)
    tell(verdict)
    if (descriptor === null) return verdicts
    if (suite !== null && suite.name !== descriptor.name) {
      throw new PaddockError(
        'decider.invalid_suite',
        `The suite is for ${suite.name}, but the decider says it is ${descriptor.name}.`,
      )
    }
    const cases = await collectCases(runner, descriptor, suite, streams)
    const context: CheckContext = {
      runner,
      descriptor,
      suite,
      cases,
      random: seeded(request.seed),
      strict: request.strict,
    }
    for (const check of checks) tell(await check(context))
    const old = running === null ? null : other(running)
    tell(await rehearseUpgrade(runner, old, streams, cases, hooks.onStream))
    if (parityWith !== null) tell(await parity(runner, other(parityWith), cases))
    for (const scenario of suite?.scenarios ?? []) tell(await playScenario(runner, scenario))
    return verdicts
  } finally {
    await Promise.all([runner, ...others].map((each) => each.close()))
  }
}

/** D1: it loads, and describes itself alike on two instances. That it imports nothing was checked before it was compiled. */
async function describe(
  runner: ScriptRunner,
): Promise<{ descriptor: DeciderDescriptor | null; verdict: CheckVerdict }> {
  const definition = { id: 'D1', level: 'E', title: 'it loads and describes itself' } as const
  const [first] = await runner.run([{ do: 'descriptor' }])
  const [second] = await runner.run([{ do: 'descriptor' }])
  if (first?.answer.is !== 'descriptor') {
    const message =
      first?.answer.is === 'trap' ? `${first.answer.code}: ${first.answer.message}` : 'it gave no descriptor'
    return { descriptor: null, verdict: judge(definition, [{ message, reproduction: null }], '') }
  }
  const { descriptor } = first.answer
  const alike = same(first.answer, second?.answer)
  const findings = alike
    ? []
    : [{ message: 'two fresh instances describe themselves differently', reproduction: null }]
  const tried = `${descriptor.name}@${descriptor.version}, ${descriptor.commands.length} commands, no imports`
  return { descriptor, verdict: judge(definition, findings, tried) }
}

/** Mulberry32: small, and the same everywhere. In [0, 1). */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
