/** Steps over canonical definitions, keeping the functions that they add (component-model Binary.md, "Canonical Definitions"). */
import type { ByteReader } from './byte-reader.ts'
import type { Scope } from './entities.ts'
import { readResult } from './value-types.ts'

/** What follows an opcode: i an index, b a byte, o options, r a result list. */
const immediates: Readonly<Record<number, string>> = {
  0x02: 'i',
  0x03: 'i',
  0x04: 'i',
  0x05: '',
  0x06: 'b',
  0x07: 'i',
  0x08: '',
  0x09: 'ro',
  0x0a: 'bi',
  0x0b: 'bi',
  0x0c: 'b',
  0x0d: '',
  0x0e: 'i',
  0x0f: 'io',
  0x10: 'io',
  0x11: 'ib',
  0x12: 'ib',
  0x13: 'i',
  0x14: 'i',
  0x15: 'i',
  0x16: 'io',
  0x17: 'io',
  0x18: 'ib',
  0x19: 'ib',
  0x1a: 'i',
  0x1b: 'i',
  0x1c: 'o',
  0x1d: 'o',
  0x1e: '',
  0x1f: '',
  0x20: 'bi',
  0x21: 'bi',
  0x22: '',
  0x23: '',
  0x24: '',
  0x25: '',
}

/** Reads one canonical definition; only a lift adds a component function. */
export function readCanonicalFunctions(reader: ByteReader, scope: Scope): void {
  const start = reader.position
  const opcode = reader.u8()
  if (opcode === 0x00 || opcode === 0x01) {
    if (reader.u8() !== 0x00) throw reader.malformed('unknown form of a canonical definition', start)
    if (opcode === 0x00) {
      readLift(reader, scope, start)
      return
    }
    const index = reader.u32()
    if (scope.functions[index] === undefined)
      throw reader.malformed('a function that is not there is lowered', start)
    skipOptions(reader)
    return
  }
  const layout = immediates[opcode]
  if (layout === undefined)
    throw reader.malformed(`unknown canonical definition 0x${opcode.toString(16)}`, start)
  for (const part of layout) {
    if (part === 'i') reader.u32()
    else if (part === 'b') reader.u8()
    else if (part === 'o') skipOptions(reader)
    else readResult(reader, scope)
  }
}

function readLift(reader: ByteReader, scope: Scope, start: number): void {
  reader.u32()
  skipOptions(reader)
  const type = scope.types[reader.u32()]
  if (type?.tag !== 'function') throw reader.malformed('a function is lifted without a function type', start)
  scope.functions.push(type.function)
}

function skipOptions(reader: ByteReader): void {
  for (let count = reader.count(); count > 0; count--) {
    const start = reader.position
    const option = reader.u8()
    if (option > 0x09) throw reader.malformed('unknown canonical option', start)
    if (option === 0x03 || option === 0x04 || option === 0x05 || option === 0x07 || option === 0x08)
      reader.u32()
  }
}
