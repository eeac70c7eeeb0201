/** `paddock check` on a decider: the verdicts of its conformance checks, for people, as TAP or as JSON lines. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { StoredStream } from '../engine/contracts/decider/check/cases.ts'
import type { CheckVerdict } from '../engine/contracts/decider/check/verdict.ts'
import type { Engine } from '../engine/engine.ts'
import { EventBrowser } from '../engine/event-browser/event-browser.ts'
import { PaddockError } from '../shared/errors.ts'

export const checkFormats = ['human', 'tap', 'json'] as const
export type CheckFormat = (typeof checkFormats)[number]

export interface DeciderCheckOptions {
  readonly suite?: string | undefined
  readonly fromStore?: string | undefined
  readonly against?: string | undefined
  readonly parity?: string | undefined
  readonly strict?: boolean | undefined
  readonly seed?: number | undefined
  readonly format?: CheckFormat | undefined
}

/** Streams and events taken from a store at most: a check is no migration. */
const maxStreams = 1_000
const maxEvents = 100_000
const pageEvents = 500

/** Runs the checks and prints each verdict as it comes. True when nothing failed. Throws `decider.*`, `store.*`, `usage.*`. */
export async function checkDeciderBundle(
  engine: Engine,
  bundle: string,
  options: DeciderCheckOptions,
  print: (line: string) => void,
): Promise<boolean> {
  const { suite, fromStore, against, parity, seed = 1 } = options
  const printer = printers[options.format ?? 'human']
  const verdicts = await engine.deciderChecks.run(
    {
      bundle: path.resolve(bundle),
      suite: suite === undefined ? null : { text: await suiteText(suite), file: suite },
      streams: fromStore === undefined ? [] : await readStreams(path.resolve(fromStore)),
      against: against === undefined ? null : path.resolve(against),
      parity: parity === undefined ? null : path.resolve(parity),
      strict: options.strict ?? true,
      seed,
    },
    countedPrinter(printer.verdict, print),
  )
  print(printer.end(verdicts))
  return verdicts.every(({ verdict }) => verdict !== 'fail')
}

interface Printer {
  readonly verdict: (verdict: CheckVerdict, number: number) => string
  readonly end: (verdicts: readonly CheckVerdict[]) => string
}

const printers: Readonly<Record<CheckFormat, Printer>> = {
  human: { verdict: humanLine, end: humanEnd },
  tap: { verdict: tapLine, end: (verdicts) => `1..${verdicts.length}` },
  json: {
    verdict: (verdict) => JSON.stringify({ kind: 'check', ...verdict }),
    end: (verdicts) =>
      JSON.stringify({ kind: 'check.end', ok: !verdicts.some(isFailure), ...tally(verdicts) }),
  },
}

function countedPrinter(
  show: Printer['verdict'],
  print: (line: string) => void,
): (verdict: CheckVerdict) => void {
  let number = 0
  return (verdict) => {
    number += 1
    print(show(verdict, number))
  }
}

const words = { pass: 'ok', fail: 'fail', warn: 'warn', skipped: '–' } as const

function humanLine({ id, title, verdict, message, findings }: CheckVerdict): string {
  const line = `${words[verdict].padEnd(5)} ${id.padEnd(4)} ${title}: ${message}`
  const [reproduction] = findings.flatMap(({ reproduction: each }) => (each === null ? [] : [each]))
  if (verdict === 'pass' || reproduction === undefined) return line
  return [
    line,
    `             history ${JSON.stringify(reproduction.history)}`,
    ...(reproduction.command === null
      ? []
      : [`             command ${JSON.stringify(reproduction.command)}`]),
    ...Object.entries(reproduction.results).map(
      ([name, result]) => `             ${name} ${JSON.stringify(result)}`,
    ),
  ].join('\n')
}

function humanEnd(verdicts: readonly CheckVerdict[]): string {
  const { passed, failed, warned, skipped } = tally(verdicts)
  return `${passed} passed, ${failed} failed, ${warned} warned, ${skipped} left out`
}

function tapLine({ id, title, verdict, message, findings }: CheckVerdict, number: number): string {
  const directive =
    verdict === 'skipped' ? ` # SKIP ${message}` : verdict === 'warn' ? ` # TODO ${message}` : ''
  const line = `${verdict === 'fail' || verdict === 'warn' ? 'not ok' : 'ok'} ${number} - ${id} ${title}${directive}`
  if (verdict !== 'fail') return line
  return [
    line,
    '  ---',
    `  message: ${JSON.stringify(message)}`,
    `  findings: ${JSON.stringify(findings)}`,
    '  ...',
  ].join('\n')
}

function tally(
  verdicts: readonly CheckVerdict[],
): Record<'passed' | 'failed' | 'warned' | 'skipped', number> {
  const count = (wanted: CheckVerdict['verdict']): number =>
    verdicts.filter(({ verdict }) => verdict === wanted).length
  return { passed: count('pass'), failed: count('fail'), warned: count('warn'), skipped: count('skipped') }
}

function isFailure({ verdict }: CheckVerdict): boolean {
  return verdict === 'fail'
}

async function suiteText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new PaddockError('usage.invalid', `The suite ${file} cannot be read.`, { cause })
  }
}

/** Streams of a store with their events, whole ones only. */
async function readStreams(file: string): Promise<StoredStream[]> {
  const browser = new EventBrowser(path.join(__dirname, 'event-reader.cjs'))
  try {
    const reader = browser.store(file)
    const streams = new Map<string, { type: string; payload: Uint8Array }[]>()
    let taken = 0
    for (let after = 0, more = true; more && taken < maxEvents;) {
      const page = await reader.feed(after, {}, pageEvents)
      for (const { streamId, type, payload } of page.events) {
        const events = streams.get(streamId)
        if (events !== undefined) events.push({ type, payload })
        else if (streams.size < maxStreams) streams.set(streamId, [{ type, payload }])
      }
      taken += page.events.length
      after = page.next
      more = page.more
    }
    return [...streams].map(([streamId, events]) => ({ streamId, events }))
  } finally {
    await browser.dispose()
  }
}
