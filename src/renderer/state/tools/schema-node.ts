/** Reads JSON Schema as a hostile text: nothing of it is evaluated, and everything is bounded. */
import { narrowSpace } from '../../format/numbers.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Characters of a schema that are read (spec tools 8: at most 256 KiB). */
const longestSchema = 262_144
/** Levels of values and schemas that are looked into. */
export const deepest = 24

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member of that name itself, never one that every object has. */
export function member(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

export function textOf(object: JsonObject, name: string, limit: number): string | null {
  const value = member(object, name)
  if (typeof value !== 'string' || value.trim() === '') return null
  return value.length > limit ? `${value.slice(0, limit)}…` : value
}

export function numberOf(object: JsonObject, name: string): number | null {
  const value = member(object, name)
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** Types that a schema names. */
export function typesOf(schema: JsonObject): readonly string[] {
  const type = member(schema, 'type')
  if (typeof type === 'string') return [type]
  return Array.isArray(type)
    ? type.filter((each): each is string => typeof each === 'string').slice(0, 8)
    : []
}

/** The schema, or why it is none. */
export function readSchema(text: string): { readonly schema: JsonObject } | { readonly problem: string } {
  if (text === '') return { problem: 'Its schema is known once the tool was prepared.' }
  if (text.length > longestSchema) return { problem: `Its schema is longer than 256${narrowSpace}KiB.` }
  try {
    const schema: unknown = JSON.parse(text)
    return isObject(schema) ? { schema } : { problem: 'Its schema is not a JSON object.' }
  } catch {
    return { problem: 'Its schema is not JSON.' }
  }
}
