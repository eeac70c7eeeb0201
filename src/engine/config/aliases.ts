/** Other places where spec nexum-host 5.3 lets keys stand, moved to the ones this engine reads. */
import type { TomlTable, TomlValue } from 'smol-toml'
import { isTable } from '../modules/manifest/document.ts'
import type { KeyPath } from '../modules/manifest/locate.ts'
import type { ConfigDocument } from './config-document.ts'

/** From where to where, dotted; a prefix stands for everything below it. */
const aliases: readonly (readonly [from: string, to: string])[] = [
  ['engine.limits', 'limits'],
  ['engine.metrics', 'metrics'],
  ['metrics.listen', 'metrics.bind_addr'],
  ['runtime.defaults.resources.max_fuel_per_event', 'limits.fuel_per_event'],
  ['runtime.defaults.resources.max_memory_bytes', 'limits.memory_bytes'],
  ['runtime.defaults.resources.max_state_bytes', 'limits.state_bytes'],
  ['runtime.defaults.restart.max_consecutive_failures', 'limits.poison.max_consecutive_failures'],
]

export interface PlacedTree {
  readonly tree: TomlTable
  /** Where the value that now stands at a path was written. */
  readonly origin: (path: KeyPath) => KeyPath
}

/** Throws `settings.invalid` when a key is given at both of its places. */
export function resolveAliases(document: ConfigDocument): PlacedTree {
  const tree = structuredTable(document.root)
  const moved = new Map<string, KeyPath>()
  for (const [from, to] of aliases) move(document, tree, from.split('.'), to.split('.'), moved)
  dropEmpty(tree, ['runtime', 'defaults', 'resources'])
  dropEmpty(tree, ['runtime', 'defaults', 'restart'])
  dropEmpty(tree, ['runtime', 'defaults'])
  dropEmpty(tree, ['runtime'])
  return {
    tree,
    origin(path) {
      for (let length = path.length; length > 0; length--) {
        const found = moved.get(path.slice(0, length).join('.'))
        if (found !== undefined) return [...found, ...path.slice(length)]
      }
      return path
    },
  }
}

function move(
  document: ConfigDocument,
  tree: TomlTable,
  from: readonly string[],
  to: readonly string[],
  moved: Map<string, KeyPath>,
): void {
  const holder = tableAt(tree, from.slice(0, -1))
  const last = from[from.length - 1] ?? ''
  if (holder === null || !Object.hasOwn(holder, last)) return
  const value = holder[last]
  if (value === undefined) return
  if (isTable(value)) {
    for (const name of Object.keys(value)) move(document, tree, [...from, name], [...to, name], moved)
    if (Object.keys(value).length === 0) Reflect.deleteProperty(holder, last)
    return
  }
  const target = ensureTable(tree, to.slice(0, -1))
  const name = to[to.length - 1] ?? ''
  if (target === null || Object.hasOwn(target, name)) {
    throw document.error(from, `${from.join('.')} is given as ${to.join('.')} too. Keep one of them.`)
  }
  target[name] = value
  Reflect.deleteProperty(holder, last)
  moved.set(to.join('.'), from)
}

function tableAt(tree: TomlTable, path: readonly string[]): TomlTable | null {
  let current: TomlTable = tree
  for (const part of path) {
    const next = Object.hasOwn(current, part) ? current[part] : undefined
    if (!isTable(next)) return null
    current = next
  }
  return current
}

function ensureTable(tree: TomlTable, path: readonly string[]): TomlTable | null {
  let current: TomlTable = tree
  for (const part of path) {
    if (!Object.hasOwn(current, part)) current[part] = {}
    const next = current[part]
    if (!isTable(next)) return null
    current = next
  }
  return current
}

function dropEmpty(tree: TomlTable, path: readonly string[]): void {
  const holder = tableAt(tree, path.slice(0, -1))
  const name = path[path.length - 1] ?? ''
  const value = holder?.[name]
  if (holder !== null && isTable(value) && Object.keys(value).length === 0)
    Reflect.deleteProperty(holder, name)
}

/** A copy whose tables may be changed. */
function structuredTable(source: TomlTable): TomlTable {
  // Without a prototype, so that a key named __proto__ is a key like any other and found unknown.
  const copy = Object.create(null) as TomlTable
  for (const [name, value] of Object.entries(source)) copy[name] = copied(value)
  return copy
}

function copied(value: TomlValue): TomlValue {
  return isTable(value) ? structuredTable(value) : value
}
