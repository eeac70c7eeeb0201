/**
 * Checks params against the tool's own JSON Schema. Both may be hostile: it runs on the guest's thread within the call's
 * deadline, so that a pattern without end costs its own tool only (spec tools 8).
 */
import { Validator, type Schema, type SchemaDraft } from '@cfworker/json-schema'
import { cutText } from '../../../shared/text.ts'

const maxReasonBytes = 1_024

export class ParamsCheck {
  private readonly schema: string | null
  private validator: Validator | null | undefined

  constructor(schema: string | null) {
    this.schema = schema
  }

  /** What is wrong with `params`, or null. A schema that cannot be used checks nothing. */
  fault(params: string): string | null {
    let value: unknown
    try {
      value = JSON.parse(params)
    } catch {
      return 'the params are not JSON'
    }
    if (this.validator === undefined) this.validator = validatorOf(this.schema)
    if (this.validator === null) return null
    try {
      const { valid, errors } = this.validator.validate(value)
      if (valid) return null
      // The last one is the innermost.
      const { instanceLocation, error } = errors.at(-1) ?? {
        instanceLocation: '#',
        error: 'it does not match',
      }
      return cutText(`the params do not match the schema at ${instanceLocation}: ${error}`, maxReasonBytes)
    } catch (error) {
      // Whoever nests params this deep must not switch the check off, for itself or for who comes next.
      if (error instanceof RangeError) return 'the params are nested too deeply to be checked'
      this.validator = null
      return null
    }
  }
}

function validatorOf(text: string | null): Validator | null {
  if (text === null) return null
  try {
    const schema = JSON.parse(text) as Schema
    return new Validator(schema, draftOf(schema), true)
  } catch {
    return null
  }
}

function draftOf({ $schema }: Schema): SchemaDraft {
  const named = /draft-0?(4|7)\b/.exec($schema ?? '')?.[1]
  if (named === '4' || named === '7') return named
  return $schema?.includes('2019-09') === true ? '2019-09' : '2020-12'
}
