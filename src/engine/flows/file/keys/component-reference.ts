/** What the `component` of a node names (spec flows 2). */
import nodePath from 'node:path'
import { isContentReference, parseReference } from '../../../content/references.ts'
import { nearest } from '../../../modules/manifest/nearest.ts'
import { quoted } from '../../../modules/manifest/table-reader.ts'
import { isHostEnd, parseHostEnd } from '../host-end.ts'
import type { KeyReader } from '../reading/key-reader.ts'
import type { ComponentReference } from '../model.ts'
import type { DeclaredComponent } from './project.ts'

const expected =
  '"file://…", "oci://…", the name of a declared component, or an end in the engine (topic:, blocks:, logs:, store:)'

/**
 * Resolves the component of a node against the folder of the flow file. Reports E0703 and answers null where it names
 * nothing that could be one.
 */
export function resolveComponent(
  node: KeyReader,
  text: string,
  config: string,
  folder: string,
  declared: ReadonlyMap<string, DeclaredComponent>,
): ComponentReference | null {
  if (isHostEnd(text)) {
    const end = parseHostEnd(text, config)
    if ('kind' in end) return { kind: 'host', end }
    node.bad(end.key, quoted(node.source(end.key)), end.expected)
    return null
  }
  if (text.startsWith('file://')) {
    const rest = text.slice('file://'.length)
    if (rest !== '' && !rest.includes('\0'))
      return { kind: 'file', candidates: [nodePath.resolve(folder, rest)] }
  } else if (text.startsWith('oci://') && /^[^\s]{1,512}$/.test(text.slice('oci://'.length))) {
    return { kind: 'content', reference: withoutTag(`oci:${text.slice('oci://'.length)}`) }
  } else if (isContentReference(text)) {
    if (isReference(text)) return { kind: 'content', reference: text }
  } else {
    const component = declared.get(text)
    if (component !== undefined) return { kind: 'file', candidates: builtFiles(component, folder) }
  }
  node.bad('component', quoted(node.source('component')), expected, helpFor(text, declared))
  return null
}

function helpFor(text: string, declared: ReadonlyMap<string, DeclaredComponent>): string {
  if (!text.includes(':') && text.endsWith('.wasm')) return `Write "file://${text}".`
  const suggestion = nearest(text, [...declared.keys()])
  if (suggestion !== null) return `Did you mean "${suggestion}"?`
  return declared.size === 0
    ? 'Declare it with [[component]], or write "file://" and its path.'
    : `Declared are ${[...declared.keys()].join(', ')}.`
}

/** With a digest, the tag says nothing more. */
function withoutTag(reference: string): string {
  return reference.replace(/:[\w][\w.-]{0,127}@(?=sha256:)/, '@')
}

function isReference(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch {
    return false
  }
}

/** Where the build of a declared component is looked for: the file itself, or the usual places of builds. */
function builtFiles({ name, path }: DeclaredComponent, folder: string): string[] {
  const base = nodePath.resolve(folder, path)
  if (path.endsWith('.wasm')) return [base]
  return [
    nodePath.join(folder, '.torvyn', 'build', `${name}.wasm`),
    nodePath.join(base, `${name}.wasm`),
    nodePath.join(base, 'component.wasm'),
    nodePath.join(base, 'module.wasm'),
    nodePath.join(base, 'target', 'wasm32-wasip2', 'release', `${name.replaceAll('-', '_')}.wasm`),
  ]
}
