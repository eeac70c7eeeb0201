/** Splits a component into core modules and the JavaScript that wires them, by jco. */
import { PaddockError } from '../../shared/errors.ts'
import { checkCoreNames } from './reader/core-names.ts'

export interface Transpiled {
  readonly glue: Uint8Array
  /** Core modules by the names that the glue asks for. */
  readonly cores: ReadonlyMap<string, Uint8Array>
  /** How often the glue instantiates each core module. */
  readonly instantiations: ReadonlyMap<string, number>
  readonly imports: readonly string[]
}

const glueName = 'component.js'

/**
 * Transpiles a component. Throws `component.malformed` for names that could write JavaScript, and `compiler.failed`; after that the transpiler may be unusable in this
 * process, because a panic leaves its own instance dead.
 */
export async function transpileComponent(component: Uint8Array): Promise<Transpiled> {
  // ESM only, and a quarter of a second to load: never before it is needed.
  const { transpileBytes } = await import('@bytecodealliance/jco-transpile')
  const result = await transpileBytes(component, {
    name: 'component',
    instantiation: 'sync',
    // Without these the glue would import preview2-shim, whose Node build gives away the machine,
    // inline small modules, where they could not be metered, and read its modules by node:fs.
    wasiShim: false,
    base64Cutoff: 0,
    nodejsCompat: false,
    emitTypescriptDeclarations: false,
  }).catch((cause: unknown) => {
    throw new PaddockError('compiler.failed', `The component cannot be transpiled: ${firstLine(cause)}`, {
      cause,
    })
  })
  const written = result.files[glueName]
  if (written === undefined) throw new PaddockError('compiler.failed', 'The transpiler wrote no JavaScript.')
  const glue = endImplicitTasks(written)
  const cores = new Map(Object.entries(result.files).filter(([name]) => name !== glueName))
  // The transpiler quotes these names without escaping them: only harmless ones make glue that may be run.
  for (const core of cores.values()) checkCoreNames(core)
  return {
    glue,
    cores,
    instantiations: countInstantiations(glue, [...cores.keys()]),
    imports: result.imports,
  }
}

const implicitTaskResolve = /^( *if \(createdTask\) \{ createdTask\.resolve\(\[syncRes\]\); )\}$/gm

/**
 * The glue opens a task for a host call made outside of one of its own exports, which is how our binder enters
 * a guest, and never closes it: each such call would leave a task behind, and looking through them makes the
 * next one slower. Closes it. Throws `compiler.failed` where the glue has another form.
 */
export function endImplicitTasks(glue: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(glue)
  if (!text.includes('function _lowerImportBackwardsCompat(')) return glue
  if ([...text.matchAll(implicitTaskResolve)].length !== 1) {
    throw new PaddockError('compiler.failed', 'The transpiler wrote JavaScript of an unknown form.')
  }
  return new TextEncoder().encode(text.replace(implicitTaskResolve, '$1createdTask.exit(); }'))
}

/**
 * How often each core module is instantiated, as the glue itself says: a line `const moduleN = getCoreModule('name');`
 * and lines `({ exports: exportsN } = instantiateCore(moduleN, …`. Only whole lines count, which no name that a
 * guest chose can imitate. Throws `compiler.failed` where the glue has another form.
 */
export function countInstantiations(glue: Uint8Array, names: readonly string[]): Map<string, number> {
  const text = new TextDecoder().decode(glue)
  const counts = new Map<string, number>(names.map((name) => [name, 0]))
  const nameOf = new Map<string, string>()
  for (const [, variable = '', name = ''] of text.matchAll(
    /^\s*const (module\d+) = getCoreModule\('([^'\n]+)'\);$/gm,
  )) {
    nameOf.set(variable, name)
  }
  for (const [, variable = ''] of text.matchAll(
    /^\s*\(\{ exports: exports\d+ \} = instantiateCore\((module\d+)[,)]/gm,
  )) {
    const name = nameOf.get(variable) ?? ''
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  if (nameOf.size !== names.length || counts.size !== names.length || [...counts.values()].includes(0)) {
    throw new PaddockError('compiler.failed', 'The transpiler wrote JavaScript of an unknown form.')
  }
  return counts
}

function firstLine(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return text.split('\n', 1)[0]?.slice(0, 300) ?? ''
}
