/** A parsed manifest text with the places of its keys, and the errors that name them. */
import { parse, TomlDate, TomlError, type TomlTable, type TomlValue } from 'smol-toml'
import { PaddockError, type ErrorCode } from '../../../shared/errors.ts'
import { locateKeys, pathKey, placeOf, type KeyPath, type KeyPlaces } from './locate.ts'

/** Size of a manifest Paddock reads, in bytes. */
export const maxManifestBytes = 256 * 1024
/** Deepest nesting of tables and arrays. */
const maxDepth = 64

export class ManifestDocument {
  /** How the file is named in messages: its path. */
  readonly file: string
  readonly text: string
  readonly root: TomlTable
  private readonly places: KeyPlaces

  /**
   * Parses a manifest. Throws `manifest.syntax` with line and column for what is no TOML, duplicate keys,
   * `__proto__` as a key, nesting beyond 64 levels, bytes that are no UTF-8, and files above 256 KiB.
   */
  constructor(file: string, bytes: Uint8Array) {
    this.file = file
    if (bytes.byteLength > maxManifestBytes) {
      throw new PaddockError(
        'manifest.syntax',
        `${file} has ${bytes.byteLength} bytes; at most ${maxManifestBytes} are read.`,
        {
          details: { file, sizeBytes: bytes.byteLength, allowed: maxManifestBytes },
          remedy: 'Keep the manifest short; data belongs into the module or its store.',
        },
      )
    }
    this.text = decode(file, bytes)
    this.root = parseToml(file, this.text)
    refuseDeepNesting(file, this.root)
    this.places = locateKeys(this.text)
    refusePrototypeKeys(this, this.root, [])
  }

  /** An error about the key at `path`, with file, line and column in text and details. */
  error(
    code: ErrorCode,
    path: KeyPath,
    what: string,
    details: Readonly<Record<string, unknown>> = {},
    remedy?: string,
  ): PaddockError {
    const place = placeOf(this.places, path)
    const where = place === null ? this.file : `${this.file}:${place.line}:${place.column}`
    return new PaddockError(code, `${where}: ${what}`, {
      details: {
        file: this.file,
        line: place?.line ?? null,
        column: place?.column ?? null,
        key: showPath(path),
        ...details,
      },
      ...(remedy === undefined ? {} : { remedy }),
    })
  }

  /** `line 7: what`, for warnings that name a key. */
  warning(path: KeyPath, what: string): string {
    const place = placeOf(this.places, path)
    return place === null ? what : `line ${place.line}: ${what}`
  }

  /** The text of the bare value at `path` as it stands in the file, or null when it has no place of its own. */
  sourceOf(path: KeyPath): string | null {
    const start = this.places.get(pathKey(path))?.valueAt ?? null
    if (start === null) return null
    const match = /^[^,\]}\n\r#]*/.exec(this.text.slice(start, start + 128))
    return match === null ? null : match[0].trim()
  }
}

/** `subscription[2].chain_id`: positions count from 1, as people do. */
export function showPath(path: KeyPath): string {
  let shown = ''
  for (const part of path) {
    if (typeof part === 'number') shown += `[${part + 1}]`
    else
      shown += `${shown === '' ? '' : '.'}${/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part.slice(0, 64))}`
  }
  return shown
}

/** Whether a value is a table: no array, no date. */
export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof TomlDate)
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new PaddockError('manifest.syntax', `${file} is not UTF-8 text.`, { cause, details: { file } })
  }
}

function parseToml(file: string, text: string): TomlTable {
  const nul = text.indexOf('\0')
  if (nul !== -1) {
    const line = text.slice(0, nul).split('\n').length
    throw new PaddockError('manifest.syntax', `${file}:${line}: there is a NUL character.`, {
      details: { file, line },
    })
  }
  try {
    return parse(text, { integersAsBigInt: true, maxDepth })
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    // The library adds an excerpt below its first line; the console shows the file and the place.
    const reason = (cause.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '')
    throw new PaddockError('manifest.syntax', `${file}:${cause.line}:${cause.column}: ${reason}.`, {
      cause,
      details: { file, line: cause.line, column: cause.column },
    })
  }
}

/** Dotted keys nest without limit in the parser. Iterative, because a hostile depth would end the stack. */
function refuseDeepNesting(file: string, root: TomlTable): void {
  const open: { value: TomlValue; depth: number }[] = [{ value: root, depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next
    if (depth > maxDepth) {
      throw new PaddockError(
        'manifest.syntax',
        `${file} nests tables or arrays deeper than ${maxDepth} levels.`,
        {
          details: { file, allowed: maxDepth },
        },
      )
    }
    if (typeof value !== 'object' || value instanceof TomlDate) continue
    for (const child of Object.values(value)) {
      if (typeof child === 'object') open.push({ value: child, depth: depth + 1 })
    }
  }
}

function refusePrototypeKeys(document: ManifestDocument, value: TomlValue, path: KeyPath): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (typeof item === 'object') refusePrototypeKeys(document, item, [...path, index])
    }
  } else if (isTable(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '__proto__')
        throw document.error('manifest.syntax', [...path, key], 'the key "__proto__" is not allowed.')
      if (typeof item === 'object') refusePrototypeKeys(document, item, [...path, key])
    }
  }
}
