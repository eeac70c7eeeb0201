/** Steps over core types that stand within instance and component types, where no length bounds them. */
import type { ByteReader } from './byte-reader.ts'

export function skipCoreType(reader: ByteReader): void {
  const start = reader.position
  const form = reader.u8()
  if (form === 0x60) {
    skipFunctionType(reader)
    return
  }
  if (form !== 0x50) throw reader.malformed(`unknown core type 0x${form.toString(16)}`, start)
  for (let count = reader.count(); count > 0; count--) skipModuleDeclaration(reader)
}

function skipModuleDeclaration(reader: ByteReader): void {
  const start = reader.position
  switch (reader.u8()) {
    case 0x00:
      reader.text()
      reader.text()
      {
        skipImport(reader)
        return
      }
    case 0x01: {
      reader.nested(() => skipCoreType(reader))
      return
    }
    case 0x02:
      reader.u8()
      if (reader.u8() !== 0x01) throw reader.malformed('a module type aliases what it cannot', start)
      reader.u32()
      reader.u32()
      return
    case 0x03:
      reader.text()
      {
        skipImport(reader)
        return
      }
    default:
      throw reader.malformed('unknown declaration in a module type', start)
  }
}

/** Steps over what a core import is, after its two names. */
export function skipImport(reader: ByteReader): void {
  const start = reader.position
  switch (reader.u8()) {
    case 0x00:
      reader.u32()
      return
    case 0x01:
      skipValueType(reader)
      {
        skipLimits(reader)
        return
      }
    case 0x02: {
      skipLimits(reader)
      return
    }
    case 0x03:
      skipValueType(reader)
      reader.u8()
      return
    case 0x04:
      reader.u8()
      reader.u32()
      return
    default:
      throw reader.malformed('unknown core import', start)
  }
}

function skipFunctionType(reader: ByteReader): void {
  for (let count = reader.count(); count > 0; count--) skipValueType(reader)
  for (let count = reader.count(); count > 0; count--) skipValueType(reader)
}

function skipValueType(reader: ByteReader): void {
  const byte = reader.u8()
  if (byte === 0x63 || byte === 0x64) skipLong(reader)
}

function skipLimits(reader: ByteReader): void {
  const flags = reader.u8()
  skipLong(reader)
  if ((flags & 1) !== 0) skipLong(reader)
}

/** Steps over an integer of at most 64 bits. */
function skipLong(reader: ByteReader): void {
  const start = reader.position
  while (reader.u8() >= 0x80) {
    if (reader.position - start >= 10) throw reader.malformed('an integer is too long', start)
  }
}
