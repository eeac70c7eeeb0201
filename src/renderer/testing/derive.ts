/** A client over handlers in the same process, checked at both ends by the schemas, as the real one is. */
import type { z } from 'zod'
import type { Spec } from '../../shared/ipc/define.ts'
import {
  ipcSchema,
  type PaddockClient,
  type PaddockEmitters,
  type PaddockHandlers,
} from '../../shared/ipc/schema.ts'

type AnyFunction = (...values: unknown[]) => unknown

function parse(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value)
  if (!result.success) throw new Error(`The double breaks the schema at ${where}: ${result.error.message}`)
  return result.data
}

export interface Double {
  readonly client: PaddockClient
  readonly emit: PaddockEmitters
}

/** Derives a client and its events from the IPC schema; every value crosses as a copy. */
export function deriveDouble(handlers: PaddockHandlers): Double {
  const client: Record<string, Record<string, AnyFunction>> = {}
  const emit: Record<string, Record<string, AnyFunction>> = {}
  for (const [group, members] of Object.entries(ipcSchema)) {
    const own = handlers[group as keyof PaddockHandlers] as unknown as Record<string, AnyFunction>
    const functions: Record<string, AnyFunction> = {}
    const events: Record<string, AnyFunction> = {}
    for (const [name, spec] of Object.entries(members) as [string, Spec][]) {
      const where = `${group}.${name}`
      if (spec.kind === 'event') {
        const listeners = new Set<AnyFunction>()
        functions[name] = (listener) => {
          listeners.add(listener as AnyFunction)
          return () => listeners.delete(listener as AnyFunction)
        }
        events[name] = (payload) => {
          const value = structuredClone(parse(spec.payload, payload, where))
          for (const listener of listeners) listener(value)
        }
      } else if (spec.kind === 'call') {
        functions[name] = async (input) => {
          const answer = await own[name]?.(parse(spec.input, input, where))
          return structuredClone(parse(spec.output, answer, where))
        }
      } else {
        functions[name] = (input, listener) =>
          own[name]?.(parse(spec.input, input, where), (items: unknown[], dropped: number) =>
            (listener as AnyFunction)(
              items.map((item) => structuredClone(parse(spec.item, item, where))),
              dropped,
            ),
          )
      }
    }
    client[group] = functions
    emit[group] = events
  }
  return { client: client as unknown as PaddockClient, emit: emit as unknown as PaddockEmitters }
}
