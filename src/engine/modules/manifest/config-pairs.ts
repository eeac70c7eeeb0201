/** Flattens `[config]` into the text pairs that `init` receives (spec nexum-host 3.3). */
import { TomlDate, type TomlTable, type TomlValue } from 'smol-toml'
import type { ManifestDocument } from './document.ts'
import type { KeyPath } from './locate.ts'

/**
 * Pairs in ascending key order by UTF-8 bytes. Text stays as it is, integers keep all 64 bits, floats are
 * written shortest without exponent, dates as in TOML, lists and tables as inline TOML. An absent or empty
 * table gives one pair, `name` and the module's name.
 */
export function flattenConfig(
  document: ManifestDocument,
  config: TomlTable | undefined,
  moduleName: string,
): [string, string][] {
  const keys = Object.keys(config ?? {})
  if (config === undefined || keys.length === 0) return [['name', moduleName]]
  const pairs: [string, string][] = []
  for (const key of keys.sort(compareUtf8)) {
    const value = config[key]
    if (value !== undefined)
      pairs.push([key, typeof value === 'string' ? value : inline(document, value, ['config', key])])
  }
  return pairs
}

/** Orders texts as their UTF-8 bytes do; plain comparison orders UTF-16 units. */
export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}

function inline(document: ManifestDocument, value: TomlValue, path: KeyPath): string {
  if (typeof value === 'string') return quoteText(value)
  if (typeof value === 'number') return plainFloat(value)
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof TomlDate) return dateText(document, value, path)
  if (Array.isArray(value)) {
    return `[${value.map((item, index) => inlineElement(document, item, [...path, index])).join(', ')}]`
  }
  const entries = Object.entries(value).map(
    ([key, item]) => `${quoteKey(key)} = ${inlineElement(document, item, [...path, key])}`,
  )
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

/** Inside inline TOML a float must stay one: `1.0`, not `1`. */
function inlineElement(document: ManifestDocument, value: TomlValue, path: KeyPath): string {
  const text = inline(document, value, path)
  return typeof value === 'number' && /^-?\d+$/.test(text) ? `${text}.0` : text
}

function quoteKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoteText(key)
}

function quoteText(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

/** Shortest decimal text that reads back as the same number, without exponent; 1.0 gives `1`. */
export function plainFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0'
  const [mantissa = '0', exponent] = String(value).split('e')
  if (exponent === undefined) return mantissa
  const negative = mantissa.startsWith('-')
  const [whole = '', fraction = ''] = (negative ? mantissa.slice(1) : mantissa).split('.')
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  const text =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : point >= digits.length
        ? digits + '0'.repeat(point - digits.length)
        : `${digits.slice(0, point)}.${digits.slice(point)}`
  return negative ? `-${text}` : text
}

/** The date as the file has it, `T` between date and time; a parsed date keeps milliseconds only. */
function dateText(document: ManifestDocument, date: TomlDate, path: KeyPath): string {
  const source = document.sourceOf(path) ?? date.toISOString()
  return source
    .replace(/^(\d{4}-\d{2}-\d{2})[tT ](?=\d)/, '$1T')
    .replace(/z$/, 'Z')
    .replace(/(:\d{2}\.\d*?)0+(?=$|[Z+-])/, '$1')
    .replace(/\.(?=$|[Z+-])/, '')
}
