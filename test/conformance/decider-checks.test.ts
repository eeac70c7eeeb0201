/** Each conformance check finds its own defect and nothing else (spec decider 13, 16 "checks D1-D17"). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { afterAll, describe, expect, it } from 'vitest'
import { readWitSource } from '../../scripts/wit-source.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { rehearseUpgrade } from '../../src/engine/contracts/decider/check/checks/compare.ts'
import { replayTwice } from '../../src/engine/contracts/decider/check/checks/determinism.ts'
import { collectCases } from '../../src/engine/contracts/decider/check/cases.ts'
import { checkDecider } from '../../src/engine/contracts/decider/check/run-checks.ts'
import { ScriptRunner, type Candidate } from '../../src/engine/contracts/decider/check/script-runner.ts'
import { parseSuite, type Suite } from '../../src/engine/contracts/decider/check/suite.ts'
import type { CheckVerdict } from '../../src/engine/contracts/decider/check/verdict.ts'
import { ForkLauncher } from '../../src/engine/sandboxes/fork-launcher.ts'
import { Sandbox } from '../../src/engine/sandboxes/sandbox.ts'
import { entries } from '../support/engine.ts'
import { defects, faultyDeciderWat, type Defect } from '../support/faulty-decider-wat.ts'
import { artifactOf } from '../support/sandbox-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-decider-checks-'))
const wit = readWitSource(join(import.meta.dirname, '../../resources/wit/trogon-decider'))
const launcher = new ForkLauncher()
let generation = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function launch(): Sandbox {
  return new Sandbox({
    launcher,
    entry: entries.sandbox,
    serviceName: 'decider-check',
    generation: ++generation,
    clock: systemClock,
    residentLimitBytes: 1_000_000_000,
    handlers: {
      onHostCall: () => Promise.reject(new Error('a decider calls no host')),
      onLogs: () => undefined,
      onProcess: () => undefined,
      onOutput: () => undefined,
    },
  })
}

const candidates = new Map<Defect | null, Promise<Candidate>>()

function candidate(defect: Defect | null): Promise<Candidate> {
  const known = candidates.get(defect)
  if (known !== undefined) return known
  const made = build(defect)
  candidates.set(defect, made)
  return made
}

async function build(defect: Defect | null): Promise<Candidate> {
  const binary = await parse(faultyDeciderWat(defect))
  const component = await componentNew(
    await componentEmbed({ binary, witSource: wit.text, world: 'decider' }),
    [],
  )
  const path = join(folder, `${defect ?? 'good'}.wasm`)
  writeFileSync(path, component)
  return { name: 'demo.counter', version: '0.1.0', artifactDirectory: await artifactOf(path, folder) }
}

const added = (amount: number): string =>
  `{ type: counter.added, hex: "${amount.toString(16).padStart(2, '0')}" }`
const add = (amount: number, kind = 0): string =>
  `{ type: counter.add, hex: "${[kind, amount, 3].map((byte) => byte.toString(16).padStart(2, '0')).join('')}" }`

const suite = parseSuite(
  `
suite: demo.counter
events: [counter.added]
scenarios:
  - name: adds to nothing
    when: ${add(7)}
    then: { events: [${added(7)}] }
  - name: adds to what there is
    given: [${[1, 2, 3].map(added).join(', ')}]
    steps:
      - when: ${add(2)}
        then: { events: [${added(2)}] }
      - when: ${add(5)}
        then: { rejected: false }
  - name: says no
    given: [${added(5)}, ${added(6)}]
    when: ${add(1, 1)}
    then: { rejected: true }
  - name: says what it cannot read
    when: { type: counter.add }
    then: { error: bad-input }
  - name: is starved
    when: ${add(1)}
    then: { trap: true }
    budget: { fuel_per_call: 10 }
`,
  'counter.yaml',
)

const streams = [{ streamId: 'd', events: [1, 120, 3].map((amount) => envelope(amount)) }]

function envelope(amount: number): { type: string; payload: Uint8Array } {
  return { type: 'counter.added', payload: Uint8Array.of(amount) }
}

async function check(
  defect: Defect | null,
  more: Partial<Parameters<typeof checkDecider>[0]> = {},
): Promise<CheckVerdict[]> {
  return checkDecider(
    {
      candidate: await candidate(defect),
      suite,
      streams,
      running: null,
      parityWith: null,
      strict: true,
      seed: 7,
      ...more,
    },
    { launch, onVerdict: () => undefined },
  )
}

function troubles(verdicts: readonly CheckVerdict[]): string[] {
  return verdicts
    .filter(({ id, verdict }) => id !== 'S' && (verdict === 'fail' || verdict === 'warn'))
    .map(({ id }) => id)
}

describe('spec decider 16: checks D1-D17', () => {
  it('a good decider passes all, and none is left out', async () => {
    const good = await candidate(null)
    const verdicts = await check(null, { parityWith: good, running: good })
    expect(verdicts.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
    expect(new Set(verdicts.map(({ id }) => id))).toEqual(
      new Set([...Array.from({ length: 17 }, (_, index) => `D${index + 1}`), 'S']),
    )
    expect(verdicts.filter(({ id }) => id === 'S')).toHaveLength(suite.scenarios.length)
  })

  const ofItself = (Object.keys(defects) as Defect[]).filter((defect) => defect !== 'D17')
  it.each(ofItself)('the decider with defect %s fails exactly that check', async (defect) => {
    const verdicts = await check(defect)
    expect(troubles(verdicts)).toEqual([defect])
    const found = verdicts.find(({ id }) => id === defect)
    expect(found?.findings[0]?.message).not.toBe('')
    if (defect !== 'D13' && defect !== 'D14') expect(found?.findings[0]?.reproduction).not.toBeNull()
  })

  it('D2: fresh instances that differ are told (no component without imports can; two artifacts in turn stand in)', async () => {
    const [first, second] = [
      new ScriptRunner(await candidate(null), launch),
      new ScriptRunner(await candidate('D17'), launch),
    ]
    let turn = 0
    const runner = {
      run: (...args: Parameters<ScriptRunner['run']>) => (turn++ % 2 === 0 ? first : second).run(...args),
    }
    const descriptor = { name: 'demo.counter', version: '0.1.0', commands: [] }
    const cases = await collectCases(first, descriptor, suite, [])
    const verdict = await replayTwice({ runner, descriptor, suite, cases, random: Math.random, strict: true })
    await Promise.all([first.close(), second.close()])
    expect(verdict).toMatchObject({ id: 'D2', verdict: 'fail' })
  })

  it('D15: a command without a scenario fails, and warns where coverage is not strict', async () => {
    const lacking: Suite = { ...suite, events: ['counter.added', 'counter.cleared'] }
    expect(troubles(await check(null, { suite: lacking }))).toEqual(['D15'])
    const loose = await check(null, { suite: lacking, strict: false })
    expect(loose.find(({ id }) => id === 'D15')).toMatchObject({
      verdict: 'warn',
      message: 'no scenario covers event counter.cleared',
    })
  })

  it('D17: two artifacts that decide differently are told apart, with the first divergence', async () => {
    const verdicts = await check(null, { parityWith: await candidate('D17') })
    expect(troubles(verdicts)).toEqual(['D17'])
    expect(verdicts.find(({ id }) => id === 'D17')?.findings[0]?.message).toContain(
      'they differ at the decision',
    )
  })

  it('upgrade rehearsal: a version that cannot read an old event is caught, stream and revision named', async () => {
    const runner = new ScriptRunner(await candidate('D16'), launch)
    const verdict = await rehearseUpgrade(runner, null, streams, [])
    await runner.close()
    expect(verdict).toMatchObject({
      verdict: 'fail',
      message: 'stream d: the event at revision 2 (counter.added) is not read',
    })
  })

  it('a scenario that does not hold fails with what was expected and what came', async () => {
    const wrong = parseSuite(
      `{ "suite": "demo.counter", "scenarios": [{ "name": "wrong", "when": ${JSON.stringify({ type: 'counter.add', hex: '000703' })}, "then": { "events": [{ "type": "counter.added", "hex": "08" }] } }] }`,
      'wrong.json',
    )
    const verdicts = await check(null, { suite: wrong })
    expect(verdicts.filter(({ id }) => id === 'S')).toMatchObject([
      { verdict: 'fail', message: 'event 1 is not as expected' },
    ])
  })

  it('a suite of another decider is refused', async () => {
    await expect(check(null, { suite: { ...suite, name: 'demo.other' } })).rejects.toMatchObject({
      code: 'decider.invalid_suite',
    })
  })
})
