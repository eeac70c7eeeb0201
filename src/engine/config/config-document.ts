/** A parsed engine.toml with the lines of its keys. */
import { parse, TomlError, type TomlTable } from 'smol-toml'
import { PaddockError, type ErrorCode } from '../../shared/errors.ts'
import { showPath } from '../modules/manifest/document.ts'
import { locateKeys, placeOf, type KeyPath, type KeyPlaces } from '../modules/manifest/locate.ts'

const maxBytes = 1024 * 1024
const maxDepth = 16

export class ConfigDocument {
  readonly file: string
  readonly root: TomlTable
  private readonly places: KeyPlaces

  /** Throws `settings.invalid` with line and column for what is no TOML. */
  constructor(file: string, text: string) {
    this.file = file
    if (text.length > maxBytes) {
      throw new PaddockError('settings.invalid', `${file} is longer than ${maxBytes} characters.`)
    }
    try {
      this.root = parse(text, { integersAsBigInt: true, maxDepth })
    } catch (cause) {
      if (!(cause instanceof TomlError)) throw cause
      const reason = (cause.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '')
      throw new PaddockError(
        'settings.invalid',
        `${file}, line ${cause.line}, column ${cause.column}: not valid TOML: ${reason}.`,
        { details: { file, line: cause.line, column: cause.column } },
      )
    }
    this.places = locateKeys(text)
  }

  /** An error about the key at `path`, with file and line. */
  error(path: KeyPath, what: string, code: ErrorCode = 'settings.invalid', remedy?: string): PaddockError {
    const place = placeOf(this.places, path)
    const where = place === null ? this.file : `${this.file}, line ${place.line}`
    return new PaddockError(code, `${where}: ${what}`, {
      details: { file: this.file, line: place?.line ?? null, key: showPath(path) },
      ...(remedy === undefined ? {} : { remedy }),
    })
  }
}
