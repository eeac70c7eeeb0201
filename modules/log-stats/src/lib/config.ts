// The node's config: a JSON object, or nothing.
import { fail } from 'paddock:stage'

export function readConfig(config: string): Readonly<Record<string, unknown>> {
  if (config.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(config)
  } catch {
    return fail.invalidInput('config must be JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail.invalidInput('config must be a JSON object')
  return value as Readonly<Record<string, unknown>>
}

/** A whole number above 0 of the config. */
export function readCount(value: unknown, name: string, fallback: number): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    return fail.invalidInput(`config ${name} must be a whole number above 0`)
  return value
}
