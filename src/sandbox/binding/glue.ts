/** The generated glue as general fallback: our functions in its conventions, its exports in ours. */
import type { Guest } from './guest.ts'
import { toCamel, toKebab, withoutVersion } from './core-names.ts'
import type { AnyFunction } from './functions.ts'
import type { FunctionType, HostInterface } from './types.ts'

type ImportObject = Readonly<Record<string, Readonly<Record<string, WebAssembly.ImportValue>>>>
export type InstantiateCore = (
  module: WebAssembly.Module,
  imports?: ImportObject,
) => { readonly exports: WebAssembly.Exports }

/** The module that `jco` generates with `instantiation: 'sync'`. */
export interface ComponentGlue {
  readonly instantiate: (
    getCoreModule: (path: string) => WebAssembly.Module,
    imports: Readonly<Record<string, unknown>>,
    instantiateCore: InstantiateCore,
  ) => unknown
}

/** What the glue takes for a result's error side when a host function throws it. */
class ErrorSide extends Error {
  readonly payload: unknown

  constructor(payload: unknown) {
    super('error side of a result')
    this.payload = payload
  }
}

function isResult(type: FunctionType): boolean {
  return type.result?.kind === 'variant' && type.result.isResult
}

/** Our host functions as the glue calls them, under the names it looks up: with and without version. */
export function glueImports(hosts: readonly HostInterface[], guest: Guest): Record<string, unknown> {
  const imports: Record<string, unknown> = {}
  for (const { type, functions } of hosts) {
    const wrapped: Record<string, unknown> = {}
    for (const [name, functionType] of Object.entries(type.functions)) {
      const implementation = functions[name]
      if (implementation !== undefined)
        wrapped[toCamel(toKebab(name))] = glueHostFunction(functionType, implementation, guest)
    }
    imports[type.name] = wrapped
    imports[withoutVersion(type.name)] = wrapped
  }
  return imports
}

function glueHostFunction(type: FunctionType, implementation: AnyFunction, guest: Guest): AnyFunction {
  const call = implementation as (...values: unknown[]) => unknown
  const returnsResult = isResult(type)
  return (...values: unknown[]) => {
    const before = guest.enterHost()
    let value: unknown
    try {
      value = call(...values)
    } catch (error) {
      return guest.failHost(error)
    } finally {
      guest.phase = before
    }
    if (!returnsResult) return value
    const { tag, val } = value as { tag: string; val?: unknown }
    if (tag === 'err') throw new ErrorSide(val)
    return val
  }
}

/** An export of the glue, called like one bound directly. */
export function glueGuestFunction(
  type: FunctionType,
  exported: (...values: unknown[]) => unknown,
  guest: Guest,
): (...values: unknown[]) => unknown {
  if (!isResult(type)) return (...values) => guest.enter(() => exported(...values))
  return (...values) =>
    guest.enter(() => {
      try {
        return { tag: 'ok', val: exported(...values) }
      } catch (error) {
        // The glue throws the error side as an error with its payload; a trap has none.
        if (guest.failure === undefined && error instanceof Error && 'payload' in error) {
          return { tag: 'err', val: error.payload }
        }
        throw error
      }
    })
}
