/** The tables that declare a tool, alike in `tool.toml` and under `[contract]` of `paddock.toml` (spec tools 2). */
import {
  operationEffects,
  operationIdSchema,
  type ToolDeclaration,
  type ToolOperation,
} from '../../../../shared/contracts/tool.ts'
import { isTable } from '../document.ts'
import { quoted, type TableReader } from '../table-reader.ts'
import { readCredentials, readHttp } from './http-table.ts'
import { secretPattern, workspacePattern } from './patterns.ts'
import { bounded, checkedList, checkedText, rateOf } from './values.ts'

export const toolSchema = 'tool.v1'
/** What of a `tool.toml` the contract keeps; the rest is every module's. */
export const toolTables = [
  'schema',
  'limits',
  'http',
  'credentials',
  'secrets',
  'workspace',
  'tools',
  'operations',
]

const mebibyte = 1_048_576
const maxOperations = 256
const maxAliases = 256
const faultCode = 'manifest.wrong_type'
const operationRule = 'an id such as "github.get_repo": lower case letters, digits, ".", "_" or "-"'

/**
 * Reads and checks the whole declaration; `finish` of the table is the caller's. Throws `manifest.*` with key and line:
 * nothing bad is dropped, because dropping a restriction would widen access.
 */
export function readToolTables(root: TableReader): ToolDeclaration {
  const schema = root.choice('schema', [toolSchema] as const)
  if (schema === undefined) throw root.fault('schema', `is missing; it must be "${toolSchema}"`)
  const http = readHttp(root)
  const credentials = readCredentials(root, http.allow)
  const known = new Set(credentials.map(({ secret }) => secret))
  return {
    limits: readLimits(root),
    http,
    credentials,
    visibleSecrets: readSecrets(root),
    workspace: readWorkspace(root),
    tools: readTools(root),
    operations: readOperations(root, http.allow.length, known),
  }
}

function readLimits(root: TableReader): ToolDeclaration['limits'] {
  const table = root.child('limits')
  const limits = {
    timeoutMs: bounded(table, 'timeout_ms', 60_000, 300_000),
    memoryBytes: bounded(table, 'memory_bytes', 64 * mebibyte, 256 * mebibyte, 65_536),
    inputBytes: bounded(table, 'input_bytes', mebibyte, 4 * mebibyte),
    outputBytes: bounded(table, 'output_bytes', mebibyte, 10 * mebibyte),
  }
  table.finish()
  return limits
}

function readSecrets(root: TableReader): string[] {
  const table = root.child('secrets')
  const rule = 'the name of a secret, or its beginning and one "*" at the end'
  const visible = checkedList(table, 'visible', secretPattern, rule)
  table.finish()
  return visible
}

function readWorkspace(root: TableReader): ToolDeclaration['workspace'] {
  const table = root.child('workspace')
  const rule = 'a folder such as "notes/" or a file in the workspace, without ".." and without a leading "/"'
  const read = checkedList(table, 'read', workspacePattern, rule)
  const maxFileBytes = bounded(table, 'max_file_bytes', mebibyte, 10 * mebibyte)
  table.finish()
  return { read, maxFileBytes }
}

function readTools(root: TableReader): ToolDeclaration['tools'] {
  const table = root.child('tools')
  const tools = {
    callsPerCall: bounded(table, 'calls_per_call', 20, 1_000),
    rate: rateOf(table),
    alias: readAliases(table),
  }
  table.finish()
  return tools
}

function readAliases(tools: TableReader): Record<string, string> {
  const value = tools.raw('alias')
  if (value === undefined) return {}
  if (!isTable(value)) throw tools.wrongType('alias', value, 'a table of aliases')
  const table = tools.child('alias')
  const names = Object.keys(value)
  if (names.length > maxAliases) throw tools.fault('alias', `has more than ${maxAliases} entries`)
  return Object.fromEntries(
    names.map((name) => {
      if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) {
        throw table.fault(name, 'is no alias: lower case letters, digits, ".", "_" or "-"')
      }
      return [name, checkedText(table, name, operationId, operationRule)]
    }),
  )
}

function operationId(text: string): string | null {
  return operationIdSchema.safeParse(text).success ? text : null
}

function readOperations(root: TableReader, rules: number, secrets: ReadonlySet<string>): ToolOperation[] {
  const operations = root.children('operations', maxOperations, faultCode)
  if (operations.length === 0)
    throw root.fault('operations', 'is missing; a tool has at least one [[operations]]')
  const taken = new Set<string>()
  return operations.map((table) => {
    const operation = readOperation(table, rules, secrets)
    if (taken.has(operation.id))
      throw table.fault('id', `is ${quoted(operation.id)}, as of another operation`)
    taken.add(operation.id)
    return operation
  })
}

function readOperation(table: TableReader, rules: number, secrets: ReadonlySet<string>): ToolOperation {
  const id = checkedText(table, 'id', operationId, operationRule)
  const description = table.string('description') ?? ''
  const effects = checkedList(
    table,
    'effects',
    (text) => operationEffects.find((effect) => effect === text) ?? null,
    `one of ${operationEffects.join(', ')}`,
  )
  const asked = table.choice('permission', ['allow', 'ask', 'deny'] as const)
  const allow = readIndices(table, rules)
  const credentials = readSubset(table, secrets)
  table.finish()
  return {
    id,
    description,
    effects: [...new Set(effects)],
    // What changes things elsewhere is asked about unless the author says otherwise (spec tools 2).
    permission: asked ?? (effects.includes('external_write') ? 'ask' : 'allow'),
    ...(allow === undefined ? {} : { allow }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}

/** Places in `[[http.allow]]`, counted from 0. */
function readIndices(table: TableReader, rules: number): number[] | undefined {
  if (!table.has('allow')) return undefined
  return table.unsignedList('allow').map((text, index) => {
    const place = Number(text)
    if (place < rules) return place
    throw table.faultAt(['allow', index], `is ${text}; there are ${rules} [[http.allow]], counted from 0`)
  })
}

function readSubset(table: TableReader, secrets: ReadonlySet<string>): string[] | undefined {
  if (!table.has('credentials')) return undefined
  return checkedList(
    table,
    'credentials',
    (name) => (secrets.has(name) ? name : null),
    'the secret of one of the [[credentials]]',
  )
}
