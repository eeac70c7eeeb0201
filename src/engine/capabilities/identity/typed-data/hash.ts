/**
 * The digest of EIP-712. Ours rather than viem's, because that hashes a struct's type once for every value of it: a
 * document of 256 KiB can be made to take it a minute. Here each type is hashed once.
 */
import { keccak256, type Hex } from 'viem'
import { TypedDataError } from './typed-data-error.ts'
import { domainType, fieldType, type StructTypes } from './types.ts'
import type { TypedStruct, TypedValue } from './values.ts'

/**
 * Characters of all types as they are hashed, each with all it refers to: a document of 100 KiB can be made to need
 * megabytes of them, which hold up the main thread.
 */
const maxTypeCharacters = 131_072

/** keccak256 of 0x1901, the domain's hash and the message's hash. Both were checked against `structs`. Throws `TypedDataError`. */
export function digestOf(
  structs: StructTypes,
  primaryType: string,
  domain: TypedStruct,
  message: TypedStruct,
): Hex {
  const hasher = new Hasher(structs)
  const parts = [
    Uint8Array.of(0x19, 0x01),
    hasher.struct(domainType, domain),
    hasher.struct(primaryType, message),
  ]
  return keccak256(Buffer.concat(parts))
}

class Hasher {
  private readonly structs: StructTypes
  private readonly typeHashes = new Map<string, Uint8Array>()
  private typeCharacters = 0

  constructor(structs: StructTypes) {
    this.structs = structs
  }

  struct(name: string, value: TypedStruct): Uint8Array {
    const fields = this.structs.get(name) ?? []
    const words = fields.map((field) => this.word(field.type, value[field.name] ?? false))
    return keccak(Buffer.concat([this.typeHash(name), ...words]))
  }

  private word(typeText: string, value: TypedValue): Uint8Array {
    const type = fieldType(this.structs, typeText, '')
    switch (type.kind) {
      case 'struct':
        return this.struct(type.name, value as TypedStruct)
      case 'list':
        return keccak(Buffer.concat((value as TypedValue[]).map((each) => this.word(type.element, each))))
      case 'string':
        return keccak(Buffer.from(value as string, 'utf8'))
      case 'bytes': {
        const bytes = Buffer.from((value as string).slice(2), 'hex')
        return type.length === null ? keccak(bytes) : Buffer.concat([bytes, Buffer.alloc(32 - bytes.length)])
      }
      case 'address':
        return Buffer.from((value as string).slice(2).padStart(64, '0'), 'hex')
      case 'bool':
        return integer(value === true ? 1n : 0n)
      case 'integer':
        return integer(value as bigint)
    }
  }

  private typeHash(name: string): Uint8Array {
    const known = this.typeHashes.get(name)
    if (known !== undefined) return known
    const others = [...this.dependencies(name)].filter((each) => each !== name).sort()
    const text = [name, ...others].map((each) => this.encodeType(each)).join('')
    this.typeCharacters += text.length
    if (this.typeCharacters > maxTypeCharacters) {
      throw new TypedDataError('types', 'refer to each other more than can be hashed')
    }
    const hash = keccak(Buffer.from(text, 'utf8'))
    this.typeHashes.set(name, hash)
    return hash
  }

  private encodeType(name: string): string {
    const fields = this.structs.get(name) ?? []
    return `${name}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})`
  }

  private dependencies(name: string): Set<string> {
    const found = new Set([name])
    for (const each of found) {
      for (const field of this.structs.get(each) ?? []) {
        const base = field.type.replace(/\[.*$/, '')
        if (this.structs.has(base)) found.add(base)
      }
    }
    return found
  }
}

function keccak(bytes: Uint8Array): Uint8Array {
  return keccak256(bytes, 'bytes')
}

/** 32 bytes, big-endian, two's complement. */
function integer(value: bigint): Uint8Array {
  return Buffer.from(BigInt.asUintN(256, value).toString(16).padStart(64, '0'), 'hex')
}
