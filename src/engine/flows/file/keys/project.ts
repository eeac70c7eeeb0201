/** `[torvyn]` and `[[component]]` of a flow file (spec flows 2). */
import { quoted } from '../../../modules/manifest/table-reader.ts'
import type { KeyReader } from '../reading/key-reader.ts'

export interface DeclaredComponent {
  readonly name: string
  /** A folder or a file, as written. */
  readonly path: string
  readonly language: (typeof languages)[number] | null
  readonly config: string | null
}

const languages = ['rust', 'go', 'python', 'zig', 'typescript', 'assemblyscript'] as const
const nameRule = 'letters, digits, "_" and "-", at most 64, not beginning with a digit or "-"'
const maxComponents = 256

/** Reads `[torvyn]`, which a project file must have. */
export function readProject(root: KeyReader, isProject: boolean): void {
  if (!root.has('torvyn') && !isProject) {
    root.raw('torvyn')
    return
  }
  if (!root.has('torvyn'))
    root.missing('torvyn', 'the table [torvyn] with name, version and contract_version')
  const table = root.child('torvyn')
  if (root.has('torvyn')) {
    const name = table.required('name', nameRule)
    if (name !== undefined && !isName(name)) table.bad('name', quoted(name), nameRule)
    readVersion(table, 'version')
    const contract = readVersion(table, 'contract_version')
    if (contract !== undefined && !/^0\.1\./.test(contract)) {
      table.context.problems.add(
        'E0103',
        [...table.path, 'contract_version'],
        `The flow is for version ${contract} of the stage contracts; Paddock has 0.1.`,
        {
          expected: '0.1.0',
          found: contract,
          help: 'Build its components for 0.1.0, and write contract_version = "0.1.0".',
        },
      )
    }
  }
  // What upstream's tools say about a project besides; nothing of it changes what runs.
  for (const key of ['description', 'license', 'repository']) table.string(key)
  table.strings('authors')
  table.finish()
}

function readVersion(table: KeyReader, key: string): string | undefined {
  const rule = 'a version such as "0.1.0"'
  const version = table.required(key, rule)
  if (version === undefined) return undefined
  const fits = /^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){2}(?:[-+][0-9A-Za-z.+-]{1,64})?$/.test(version)
  if (fits) return version
  table.bad(key, quoted(version), rule)
  return undefined
}

export function readComponents(root: KeyReader): Map<string, DeclaredComponent> {
  const declared = new Map<string, DeclaredComponent>()
  for (const table of root.children('component', maxComponents)) {
    const name = table.required('name', nameRule)
    const path = table.required('path', 'the path of the component, relative to this file')
    const language = table.choice('language', languages) ?? null
    table.string('build_command')
    const config = table.string('config') ?? null
    table.finish()
    if (name === undefined || path === undefined) continue
    if (!isName(name)) table.bad('name', quoted(name), nameRule)
    else if (declared.has(name)) reportDuplicate(table, name)
    else declared.set(name, { name, path, language, config })
  }
  return declared
}

function reportDuplicate(table: KeyReader, name: string): void {
  table.context.problems.add(
    'E0706',
    [...table.path, 'name'],
    `${table.show('name')} is ${quoted(name)}, which another component has already.`,
    { expected: 'a name of its own', found: quoted(name), help: 'Rename one of the two components.' },
  )
}

function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(text)
}
