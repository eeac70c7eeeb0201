/** The sections that `paddock.toml` and the nexum dialect share. */
import { isTable } from './document.ts'
import type { CapabilityPolicy, ManifestCapabilities } from './model.ts'
import { nearest } from './nearest.ts'
import { list, quoted, warn, type TableReader } from './table-reader.ts'

const identityMethods = ['accounts', 'sign', 'sign-typed-data'] as const

export interface Identity {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly authors: readonly string[]
}

/** Reads name, version, description and authors of `[module]`. Throws `manifest.bad_name`. */
export function readIdentity(module: TableReader): Identity {
  const name = module.string('name')
  const fault = name === undefined ? 'is missing' : nameFault(name)
  if (name === undefined || fault !== null) {
    const allowed = '1 to 128 letters without "/", "\\" or "..", and without blanks at the ends'
    throw module.context.document.error(
      'manifest.bad_name',
      [...module.path, 'name'],
      `module.name ${fault}; it must have ${allowed}.`,
      { name: name?.slice(0, 128) ?? null, allowed },
    )
  }
  return {
    name,
    version: module.string('version') ?? '',
    description: module.string('description') ?? '',
    authors: module.strings('authors'),
  }
}

/** What is wrong with a module's name, or null (spec nexum-host 3.1). */
export function nameFault(name: string): string | null {
  if (name.trim() === '') return 'is blank'
  if (name.trim() !== name) return 'has blanks at its ends'
  if (name.includes('/') || name.includes('\\')) return 'contains a slash'
  if (name.includes('..')) return 'contains ".."'

  if (/[\u0000-\u001f\u007f]/.test(name)) return 'contains a control character'
  if (name.length > 128) return 'is longer than 128 letters'
  return null
}

/**
 * Reads `[capabilities]`; `absent` is the policy when there is no such table.
 * Throws `manifest.unknown_capability` and `manifest.capability_conflict`.
 */
export function readCapabilities(
  root: TableReader,
  known: readonly string[],
  absent: CapabilityPolicy,
): ManifestCapabilities {
  const declared = root.has('capabilities')
  const table = root.child('capabilities')
  const taken = new Map<string, string>()
  const required = readNames(table, 'required', known, taken)
  const optional = readNames(table, 'optional', known, taken)
  const denied = readNames(table, 'denied', known, taken)
  const http = table.child('http')
  const httpAllow = http.strings('allow')
  http.finish()
  const identity = table.child('identity')
  const methods = identity.has('methods') ? identity.strings('methods') : null
  for (const [index, method] of (methods ?? []).entries()) {
    if ((identityMethods as readonly string[]).includes(method)) continue
    throw identity.faultAt(['methods', index], `is ${quoted(method)}; allowed: ${list(identityMethods)}`, {
      allowed: [...identityMethods],
    })
  }
  identity.finish()
  const messaging = table.child('messaging')
  const messagingTopics = messaging.has('topics') ? messaging.strings('topics') : null
  messaging.finish()
  table.finish()
  if (!declared && absent === 'legacy') {
    warn(
      root.context,
      [],
      'there is no [capabilities] table, which is deprecated: every interface is linked, nothing outward is allowed',
    )
  }
  return {
    policy: declared ? 'declared' : absent,
    required,
    optional,
    denied,
    httpAllow,
    identityMethods: methods,
    messagingTopics,
  }
}

function readNames(
  table: TableReader,
  key: string,
  known: readonly string[],
  taken: Map<string, string>,
): string[] {
  const names = table.strings(key)
  for (const [index, name] of names.entries()) {
    const path = [...table.path, key, index]
    if (!known.includes(name)) {
      const suggestion = nearest(name, known)
      const hint = suggestion === null ? '.' : `; did you mean "${suggestion}"?`
      throw table.context.document.error(
        'manifest.unknown_capability',
        path,
        `the capability ${quoted(name)} is unknown${hint} Allowed: ${known.join(', ')}.`,
        { capability: name.slice(0, 128), allowed: [...known], suggestion },
      )
    }
    const other = taken.get(name)
    if (other !== undefined) {
      throw table.context.document.error(
        'manifest.capability_conflict',
        path,
        `the capability "${name}" is named in ${other === key ? `${key} twice` : `${other} and in ${key}`}.`,
        { capability: name, lists: [other, key] },
      )
    }
    taken.set(name, key)
  }
  return names
}

/** Reads `[chains]`. */
export function readChains(root: TableReader): { required: string[]; optional: string[] } {
  const table = root.child('chains')
  const chains = {
    required: [...new Set(table.unsignedList('required'))],
    optional: [...new Set(table.unsignedList('optional'))],
  }
  table.finish()
  return chains
}

/** Reads `module.restart`, `module.chain` and `module.state`. */
export function readModuleTables(module: TableReader): {
  maxConsecutiveFailures: number | undefined
  extraChainMethods: string[]
  durability: 'event' | 'call' | null
} {
  const restart = module.child('restart')
  const maxConsecutiveFailures = restart.integer('max_consecutive_failures', 1)
  restart.finish()
  const chain = module.child('chain')
  const extraChainMethods = chain.strings('extra_allowed_methods')
  chain.finish()
  const state = module.child('state')
  const durability = state.choice('durability', ['event', 'call'] as const) ?? null
  state.finish()
  return { maxConsecutiveFailures, extraChainMethods, durability }
}

/** Reads a free table such as `[config]`; undefined when absent. */
export function readFreeTable(root: TableReader, key: string) {
  const value = root.raw(key)
  if (value === undefined) return undefined
  if (!isTable(value)) throw root.wrongType(key, value, `a table [${key}]`)
  return value
}
