/** What is wrong with a flow file, for people: one line for each step, then each problem with its place and help. */
import path from 'node:path'
import type { FlowGraph, FlowProblem } from '../shared/domain/flow.ts'

export interface ShownCheck {
  readonly file: string
  readonly problems: readonly FlowProblem[]
  readonly graphs: readonly FlowGraph[]
  readonly looksAtComponents: boolean
}

const steps = [
  { name: 'file', codes: /^E0(?:70|935)/ },
  { name: 'graph', codes: /^E09(?:0|2|3[0-3]|38)/ },
  { name: 'components', codes: /^E0204/ },
  { name: 'contracts', codes: /^E0(?:10|200|934|936)/ },
  { name: 'capabilities', codes: /^E0202/ },
  { name: 'budgets', codes: /^E0937/ },
] as const

/** All of it as lines. Steps behind one that failed were not taken (spec flows 3.1). */
export function showCheck(check: ShownCheck): string {
  const { file, problems } = check
  const errors = problems.filter(({ severity }) => severity === 'error')
  const warnings = problems.length - errors.length
  return [
    file,
    ...stepLines(check, errors),
    ...problems.flatMap((problem) => problemLines(problem, file)),
    `${counted(errors.length, 'error')}, ${counted(warnings, 'warning')}`,
  ].join('\n')
}

function stepLines({ graphs, looksAtComponents }: ShownCheck, errors: readonly FlowProblem[]): string[] {
  const lines: string[] = []
  let hasFailed = false
  for (const { name } of steps) {
    const isLeftOut = hasFailed || (!looksAtComponents && name !== 'file' && name !== 'graph')
    const fails = errors.some((error) => stepOf(error) === name)
    const note =
      name === 'graph'
        ? graphs
            .map(
              (graph) =>
                `${graph.name}: ${counted(graph.nodes.length, 'node')}, ${counted(graph.edges.length, 'edge')}`,
            )
            .join('; ')
        : ''
    const word = fails ? 'fail' : isLeftOut ? '–' : 'ok'
    lines.push(`${word.padEnd(5)} ${name.padEnd(13)}${fails || isLeftOut ? '' : note}`.trimEnd())
    hasFailed ||= fails
  }
  return lines
}

/** What the file says of itself is of the file, whatever its code. */
function stepOf({ code, key }: FlowProblem): string {
  return key?.startsWith('torvyn') === true
    ? 'file'
    : (steps.find(({ codes }) => codes.test(code))?.name ?? 'file')
}

function problemLines(
  { code, severity, message, line, column, ...problem }: FlowProblem,
  file: string,
): string[] {
  const named = problem.file === undefined || problem.file === file ? path.basename(file) : problem.file
  const place = line === null ? named : `${named}:${line}${column === null ? '' : `:${column}`}`
  const at = problem.key === null ? place : `${place} → ${problem.key}`
  return [
    `${severity === 'error' ? 'error' : 'warn '} ${code} ${at}`,
    `      ${message}`,
    ...(problem.help === null || message.includes(problem.help) ? [] : [`      help: ${problem.help}`]),
  ]
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
