/** Gathers what is wrong with a flow file: all of it in one go, each with its place (spec flows 2). */
import type { FlowProblem } from '../../../../shared/domain/flow.ts'
import { showPath } from '../../../modules/manifest/document.ts'
import type { KeyPath } from '../../../modules/manifest/locate.ts'

/** Problems kept of one file. */
const maxProblems = 200

/** Where a key was set. */
export interface Origin {
  readonly file: string
  readonly line: number | null
  readonly column: number | null
}

export type OriginOf = (path: KeyPath) => Origin

/** What a problem is about; the text says all of it, the rest is for programs and the console. */
export interface ProblemFacts {
  readonly severity?: FlowProblem['severity']
  readonly node?: string | null
  readonly port?: string | null
  readonly expected?: string | null
  readonly found?: string | null
  readonly help?: string | null
}

export class Problems {
  private readonly originOf: OriginOf
  private readonly kept: FlowProblem[] = []

  constructor(originOf: OriginOf) {
    this.originOf = originOf
  }

  add(code: string, path: KeyPath, message: string, facts: ProblemFacts = {}): void {
    if (this.kept.length >= maxProblems) return
    const { file, line, column } = this.originOf(path)
    this.kept.push({
      code,
      severity: facts.severity ?? 'error',
      message,
      file,
      key: path.length === 0 ? null : showPath(path),
      node: facts.node ?? null,
      port: facts.port ?? null,
      line,
      column,
      expected: facts.expected ?? null,
      found: facts.found ?? null,
      help: facts.help ?? null,
    })
  }

  get all(): readonly FlowProblem[] {
    return this.kept
  }

  get errors(): number {
    return this.kept.filter(({ severity }) => severity === 'error').length
  }

  /** Whether there are so many that some may be missing. */
  get full(): boolean {
    return this.kept.length >= maxProblems
  }

  /** Whether an error lies at or below a key. */
  hasErrorBelow(path: KeyPath): boolean {
    return this.kept.some((problem) => problem.severity === 'error' && isBelow(problem, path))
  }

  /** Whether an error lies neither at nor below one of the keys. */
  hasErrorOutside(paths: readonly KeyPath[]): boolean {
    return this.kept.some(
      (problem) => problem.severity === 'error' && !paths.some((path) => isBelow(problem, path)),
    )
  }
}

function isBelow({ key }: FlowProblem, path: KeyPath): boolean {
  const prefix = showPath(path)
  return key !== null && (key === prefix || key.startsWith(`${prefix}.`) || key.startsWith(`${prefix}[`))
}

/** Errors before warnings, each in the order it was found. */
export function errorsFirst(problems: readonly FlowProblem[]): FlowProblem[] {
  const of = (wanted: FlowProblem['severity']): FlowProblem[] =>
    problems.filter(({ severity }) => severity === wanted)
  return [...of('error'), ...of('warning')]
}
