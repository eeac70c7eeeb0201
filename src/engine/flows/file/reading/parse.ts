/** From the text of a flow file to its tables with the places of their keys. */
import { isTable as isTomlTable, ManifestDocument } from '../../../modules/manifest/document.ts'
import { locateKeys, placeOf, type KeyPath } from '../../../modules/manifest/locate.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { FlowProblem } from '../../../../shared/domain/flow.ts'
import { Problems, type Origin } from './problems.ts'
import { fromToml, isTable, type Table } from './values.ts'

export interface ParsedFile {
  readonly root: Table
  readonly originOf: (path: KeyPath) => Origin
}

/** Parses a text, or says why it is no TOML: E0706 and E0901 for what is there twice, E0701 for all else. */
export function parseFile(file: string, text: string): ParsedFile | readonly FlowProblem[] {
  try {
    const document = new ManifestDocument(file, new TextEncoder().encode(text))
    const root = fromToml(isTomlTable(document.root) ? document.root : {})
    const places = locateKeys(text)
    return {
      root: isTable(root) ? root : {},
      originOf: (path) => ({ file, ...(placeOf(places, path) ?? { line: null, column: null }) }),
    }
  } catch (error) {
    if (!(error instanceof PaddockError)) throw error
    return [syntaxProblem(file, text, error)]
  }
}

function syntaxProblem(file: string, text: string, error: PaddockError): FlowProblem {
  const line = numberOf(error.details?.['line'])
  const column = numberOf(error.details?.['column'])
  const problems = new Problems(() => ({ file, line, column }))
  const twice = line === null ? null : definedTwice(text, line)
  if (twice === null) {
    const place = line === null ? file : column === null ? `${file}:${line}` : `${file}:${line}:${column}`
    const prefix = `${place}: `
    problems.add(
      'E0701',
      [],
      error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message,
      {
        expected: 'a text in TOML',
        found: 'what is no TOML',
        help: 'Correct the text at the place named.',
      },
    )
  } else reportTwice(problems, twice)
  const [problem] = problems.all
  if (problem === undefined) throw new PaddockError('internal.bug', 'A fault of syntax was not reported.')
  return problem
}

function reportTwice(problems: Problems, path: KeyPath): void {
  const [root, flow, nodes, node, ...below] = path
  if (root === 'flow' && nodes === 'nodes' && node !== undefined && below.length === 0) {
    problems.add('E0901', path, `Flow "${String(flow)}" defines node "${String(node)}" more than once.`, {
      node: String(node).slice(0, 64),
      expected: 'each node once',
      found: 'a second table',
      help: 'Rename one of the two, or remove it.',
    })
    return
  }
  problems.add('E0706', path, `The key ${JSON.stringify(path.join('.').slice(0, 200))} is there twice.`, {
    expected: 'each key once',
    found: 'a second one',
    help: 'Remove one of the two.',
  })
}

/** The key that the line at fault gives a second time, or null where that is not what is wrong with it. */
function definedTwice(text: string, line: number): KeyPath | null {
  const lines = text.split('\n')
  const before = lines.slice(0, line - 1).join('\n')
  const faulty = lines[line - 1] ?? ''
  if (faulty.trim() === '') return null
  const there = locateKeys(before)
  const own = [...locateKeys(faulty)]
  // Of a dotted key, the last part is the one with a value.
  const first = own.find(([, { valueAt }]) => valueAt !== null) ?? own[0]
  if (first === undefined) return null
  const path = JSON.parse(first[0]) as (string | number)[]
  const table = /^\s*\[/.test(faulty) ? [] : tableAt(before)
  if (path.some((part) => part === '')) return null
  const whole = [...table, ...path]
  return there.has(JSON.stringify(whole)) ? whole : null
}

/** The table that keys at the end of a text belong to. */
function tableAt(text: string): (string | number)[] {
  const probe = 'probe-of-the-table'
  const last = [...locateKeys(`${text}\n${probe} = 1`).keys()].reverse().find((key) => key.includes(probe))
  return last === undefined ? [] : (JSON.parse(last) as (string | number)[]).slice(0, -1)
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null
}
