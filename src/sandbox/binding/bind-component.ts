/**
 * Binds a transpiled component to its host: the generated glue wires the core modules, our binder moves the values.
 *
 * The glue hands every core module with its import object to our hook. Where a core module imports an interface of the
 * host, its functions are replaced by ours; what it exports for the world is called directly. Only exports that the
 * glue itself reads are taken: runtimes carry further ones (QuickJS has an `init` of its own) that must stay unreachable.
 */
import { PaddockError } from '../../shared/errors.ts'
import { adapterImports } from './adapter-imports.ts'
import { memoryOf, onlyExport, reallocOf, type CoreInstance, type ImportObject } from './core-instance.ts'
import {
  parseCoreExport,
  parseCoreImport,
  postReturnName,
  sameInterface,
  toCamel,
  toKebab,
  withoutVersion,
} from './core-names.ts'
import { isDirect, type CoreExport } from './direct.ts'
import { FuelTank } from './fuel-tank.ts'
import { dropFunction, guestFunction, hostFunction } from './functions.ts'
import type { CoreFunction } from './functions.ts'
import { glueGuestFunction, glueImports } from './glue.ts'
import type { ComponentGlue } from './glue.ts'
import { Guest, GuestMemory } from './guest.ts'
import { destructorName, resourceFunctions, type GuestObject, type GuestResource } from './guest-resources.ts'
import type { FunctionType, HostInterface, InterfaceType, SignatureOf } from './types.ts'

export type ExportTypes = Readonly<Record<string, FunctionType>>

export interface BindOptions<E extends ExportTypes> {
  readonly glue: ComponentGlue
  readonly getCoreModule: (path: string) => WebAssembly.Module
  /** What the component may import besides `hosts`, as the glue asks for it: the virtual WASI. */
  readonly otherImports: Readonly<Record<string, unknown>>
  /** Only what the module was granted, or stubs: everything given here can be called. */
  readonly hosts: readonly HostInterface[]
  /** By WIT name: `on-event`, or `torvyn:streaming/processor@0.1.0#process`. */
  readonly exports: E
  /** What the guest implements and the host holds. */
  readonly resources?: readonly GuestResource[]
  /** Fuel for instantiation and all calls; a new one unless given. */
  readonly tank?: FuelTank
}

export interface BoundComponent<E extends ExportTypes> {
  readonly exports: { readonly [K in keyof E]: SignatureOf<E[K]> }
  /** Whether every export and every import of `hosts` bypasses the generated glue. */
  readonly direct: boolean
  /** What goes through the glue, and why, for people. */
  readonly indirect: readonly string[]
  readonly coreInstances: readonly WebAssembly.Instance[]
  readonly tank: FuelTank
  readonly guest: Guest
  /** An export of an interface as the core module has it, or undefined where there is none. */
  coreExport(name: string): CoreExport | undefined
  /** Lets the guest clean up after an object of a resource of its own. Throws as any call of the guest does. */
  destroy(resource: GuestResource, object: GuestObject): void
}

/**
 * Instantiates and binds. Throws `sandbox.instantiate_failed`, or what a host function failed with, or `sandbox.trap`
 * where an export of the world is missing.
 */
export function bindComponent<const E extends ExportTypes>(options: BindOptions<E>): BoundComponent<E> {
  const guest = new Guest()
  const tank = options.tank ?? new FuelTank()
  const cores: CoreInstance[] = []
  const indirect: string[] = []
  const asked = new Set<string>()
  const adapters = adapterImports()
  const ours = { ...glueImports(options.hosts, guest), ...wiringImports(options.hosts) }
  const imports = watchReads({ ...options.otherImports, ...ours }, asked)

  const instantiateCore = (
    module: WebAssembly.Module,
    given: ImportObject = {},
  ): { exports: WebAssembly.Exports } => {
    const memory = new GuestMemory(guest)
    // A core module may spell any import like one of ours; what counts is that the component itself imports it.
    const imported = options.hosts.filter(({ type }) => [...asked].some((name) => namesInterface(name, type)))
    const replaced = {
      ...replaceImports(given, imported, memory, indirect),
      ...adapterParts(given, adapters),
      ...resourceParts(given, options.resources ?? [], guest, (name) => findCore(cores, name)),
    }
    const instance = new WebAssembly.Instance(module, replaced)
    memory.attach(memoryOf(instance, given), reallocOf(instance))
    tank.attach(instance)
    const read = new Set<string>()
    cores.push({ instance, memory, read })
    return { exports: watchReads(instance.exports, read) }
  }

  let produced: unknown
  try {
    produced = options.glue.instantiate(options.getCoreModule, imports, instantiateCore)
  } catch (error) {
    if (guest.failure !== undefined) throw guest.failure
    if (tank.exhausted())
      throw new PaddockError('sandbox.out_of_fuel', 'instantiation used all fuel', { cause: error })
    const message = error instanceof Error ? error.message : String(error)
    throw new PaddockError('sandbox.instantiate_failed', `The component cannot be instantiated: ${message}`, {
      cause: error,
    })
  }

  const exports: Record<string, unknown> = {}
  for (const [name, type] of Object.entries(options.exports)) {
    const direct = findExport(cores, name, type)
    if (direct !== undefined) {
      exports[name] = direct
      continue
    }
    indirect.push(`export ${name}: no single core export stands for it`)
    exports[name] = glueGuestFunction(type, glueExport(produced, name), guest)
  }
  return {
    exports: exports as BoundComponent<E>['exports'],
    direct: indirect.length === 0,
    indirect,
    coreInstances: cores.map(({ instance }) => instance),
    tank,
    guest,
    coreExport: (name) => findCoreExport(cores, name),
    destroy(resource, object) {
      const destructor = findCore(cores, destructorName(resource))
      if (destructor !== undefined) guest.enter(() => destructor(object.rep | 0))
    },
  }
}

/** What the glue looks up of interfaces that are bound past it. */
function wiringImports(hosts: readonly HostInterface[]): Record<string, unknown> {
  const imports: Record<string, unknown> = {}
  for (const host of hosts) {
    if (!isDirect(host)) continue
    imports[host.type.name] = host.glue
    imports[withoutVersion(host.type.name)] = host.glue
  }
  return imports
}

function namesInterface(name: string, type: InterfaceType): boolean {
  return sameInterface(name, type.name) || name === type.name.slice(0, type.name.lastIndexOf('@'))
}

/** A copy of `source` that notes which properties are read. */
function watchReads<T extends object>(source: T, read: Set<string>): T {
  const copy: object = {}
  for (const [name, value] of Object.entries(source)) {
    const get = (): unknown => {
      read.add(name)
      return value
    }
    Object.defineProperty(copy, name, { enumerable: true, get })
  }
  return copy as T
}

function replaceImports(
  given: ImportObject,
  hosts: readonly HostInterface[],
  memory: GuestMemory,
  indirect: string[],
): ImportObject {
  const replaced: ImportObject = { ...given }
  for (const [module, functions] of Object.entries(given)) {
    const host = hosts.find(({ type }) => sameInterface(parseCoreImport(module), type.name))
    if (host === undefined) continue
    const ours: Record<string, WebAssembly.ImportValue> = {}
    for (const [name, present] of Object.entries(functions)) {
      const replacement = coreImport(host, name, memory)
      if (replacement === undefined) indirect.push(`import ${module}#${name}: unknown to the host`)
      ours[name] = replacement ?? present
    }
    replaced[module] = ours
  }
  return replaced
}

/** Only an adapter imports such names: a guest's core module that does so fools itself. */
function adapterParts(given: ImportObject, adapters: ReturnType<typeof adapterImports>): ImportObject {
  const parts: ImportObject = {}
  for (const [module, functions] of Object.entries(adapters)) {
    const present = given[module]
    if (present !== undefined) parts[module] = { ...present, ...functions }
  }
  return parts
}

/** What a core module asks for to make and drop objects of the component's own resources. */
function resourceParts(
  given: ImportObject,
  resources: readonly GuestResource[],
  guest: Guest,
  destructor: (name: string) => CoreFunction | undefined,
): ImportObject {
  const parts: ImportObject = {}
  for (const [module, present] of Object.entries(given)) {
    for (const resource of resources) {
      const functions = resourceFunctions(resource, module, guest, destructor)
      if (functions === undefined) continue
      const asked = Object.entries(functions).filter(([name]) => Object.hasOwn(present, name))
      parts[module] = { ...(parts[module] ?? present), ...Object.fromEntries(asked) }
    }
  }
  return parts
}

const dropPrefix = '[resource-drop]'

function coreImport(host: HostInterface, name: string, memory: GuestMemory): CoreFunction | undefined {
  if (isDirect(host)) return host.core(name, memory)
  if (name.startsWith(dropPrefix)) {
    const resource = ownProperty(host.type.resources, name.slice(dropPrefix.length))
    return resource && dropFunction(resource, memory)
  }
  const key = name.startsWith('[') ? name : toCamel(name)
  const type = ownProperty(host.type.functions, key)
  const implementation = ownProperty(host.functions, key)
  // Camel case loses information: `a-1` and `a1` would meet.
  if (type === undefined || implementation === undefined) return undefined
  if (!name.startsWith('[') && toKebab(key) !== name) return undefined
  return hostFunction(type, implementation, memory)
}

function ownProperty<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

/** The one core export, among those the glue reads, that carries the world's export `name`. */
function findExport(
  cores: readonly CoreInstance[],
  name: string,
  type: FunctionType,
): ((...values: unknown[]) => unknown) | undefined {
  const found = findCoreExport(cores, name)
  return found && guestFunction(type, found.call, found.postReturn, found.memory)
}

function findCoreExport(cores: readonly CoreInstance[], name: string): CoreExport | undefined {
  const only = onlyExport(cores, name)
  if (only === undefined || !only.core.memory.attached) return undefined
  const { exports } = only.core.instance
  return {
    call: exports[only.name] as CoreFunction,
    postReturn: exports[postReturnName(only.name)] as CoreFunction | undefined,
    memory: only.core.memory,
  }
}

/** The core function itself, for one that takes and returns nothing but numbers. */
function findCore(cores: readonly CoreInstance[], name: string): CoreFunction | undefined {
  const only = onlyExport(cores, name)
  return only && (only.core.instance.exports[only.name] as CoreFunction)
}

function glueExport(produced: unknown, name: string): (...values: unknown[]) => unknown {
  const wanted = parseCoreExport(name)
  let owner = produced as Readonly<Record<string, unknown>>
  if (wanted.interface !== undefined) {
    const interfaceName = wanted.interface
    const key = Object.keys(owner).find((candidate) => sameInterface(candidate, interfaceName))
    owner = (key === undefined ? {} : owner[key]) as Readonly<Record<string, unknown>>
  }
  const exported = owner[toCamel(wanted.function)]
  if (typeof exported === 'function') return exported as (...values: unknown[]) => unknown
  throw new PaddockError('sandbox.instantiate_failed', `The component exports no ${name}`)
}
