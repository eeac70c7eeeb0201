/** The core instances of one component, as the wiring makes them. */
import { parseCoreExport, sameInterface } from './core-names.ts'
import type { GuestMemory } from './guest.ts'

export interface CoreInstance {
  readonly instance: WebAssembly.Instance
  readonly memory: GuestMemory
  /** Names of the exports that the glue asked for. */
  readonly read: ReadonlySet<string>
}

export type ImportObject = Record<string, Record<string, WebAssembly.ImportValue>>

export function memoryOf(
  instance: WebAssembly.Instance,
  imports: ImportObject,
): WebAssembly.Memory | undefined {
  for (const name of ['memory', 'cm32p2_memory']) {
    const exported = instance.exports[name]
    if (exported instanceof WebAssembly.Memory) return exported
  }
  for (const values of Object.values(imports)) {
    if (values['memory'] instanceof WebAssembly.Memory) return values['memory']
  }
  return undefined
}

type Realloc = (pointer: number, oldSize: number, alignment: number, newSize: number) => unknown

/** How the host gets memory of the guest. */
export function reallocOf(instance: WebAssembly.Instance): Realloc | undefined {
  for (const name of ['cabi_realloc', 'cm32p2_realloc', 'cabi_import_realloc']) {
    const exported = instance.exports[name]
    if (typeof exported === 'function') return exported as Realloc
  }
  return undefined
}

/** The one core export that stands for `name`, among those the glue reads. */
export function onlyExport(
  cores: readonly CoreInstance[],
  name: string,
): { readonly core: CoreInstance; readonly name: string } | undefined {
  const wanted = parseCoreExport(name)
  const found: { core: CoreInstance; name: string }[] = []
  for (const core of cores) {
    for (const candidate of core.read) {
      const parsed = parseCoreExport(candidate)
      if (parsed.function !== wanted.function || candidate.startsWith('cabi_post_')) continue
      // A component wrapped around another exports, at top level, what the inner one has in an interface.
      const matches =
        wanted.interface === undefined ||
        (parsed.interface !== undefined && sameInterface(parsed.interface, wanted.interface))
      if (matches && typeof core.instance.exports[candidate] === 'function')
        found.push({ core, name: candidate })
    }
  }
  return found.length === 1 ? found[0] : undefined
}
