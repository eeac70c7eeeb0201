/** Values of SQL calls as JSON: bytes, 64-bit integers and numbers that JSON has no words for keep their kind. */
import { PaddockError } from '../../../../shared/errors.ts'

const mark = '~'

/** Throws `wasm.invalid_config` for a value that cannot be sent: only this one message fails. */
export function toWire(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [mark]: 'f', v: numberText(value) }
    case 'bigint':
      return { [mark]: 'n', v: value.toString() }
    case 'undefined':
      return { [mark]: 'u' }
    case 'object':
      return objectToWire(value)
    default:
      throw unsendable(typeof value)
  }
}

function objectToWire(value: object | null): unknown {
  if (value === null) return null
  if (value instanceof Uint8Array) return { [mark]: 'b', v: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(toWire)
  const entries = Object.entries(value)
  if (entries.some(([key]) => key === mark)) throw unsendable('a reserved name')
  return Object.fromEntries(entries.map(([key, each]) => [key, toWire(each)]))
}

/** The value that `toWire` was given. Throws `wasm.invalid_config` for what it never writes. */
export function fromWire(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromWire)
  if (!Object.hasOwn(value, mark)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromWire(each)]))
  }
  const { [mark]: kind, v } = value as { readonly [mark]: unknown; readonly v?: unknown }
  const text = typeof v === 'string' ? v : ''
  switch (kind) {
    case 'u':
      return undefined
    case 'b':
      return new Uint8Array(Buffer.from(text, 'base64'))
    case 'n':
      if (/^-?\d{1,20}$/.test(text)) return BigInt(text)
      break
    case 'f':
      if (['Infinity', '-Infinity', 'NaN', '-0'].includes(text)) return Number(text)
      break
  }
  throw unsendable('an unknown mark')
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function unsendable(what: string): PaddockError {
  return new PaddockError('wasm.invalid_config', `A message holds ${what}, which cannot be sent.`, {
    details: { field: 'message', reason: what },
  })
}
