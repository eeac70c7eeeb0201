/** EIP-712 documents: checked strictly, hashed, and shown by what was hashed (spec nexum-host 8.11). */
import type { Hex } from 'viem'
import type { ShownField } from '../../../../shared/domain/identity.ts'
import { digestOf } from './hash.ts'
import { TypedDataError } from './typed-data-error.ts'
import { domainType, isRecord, readTypes } from './types.ts'
import { ValueReader } from './values.ts'

/** Fields that are kept to be shown; a document of 256 KiB cannot be read by a person anyway. */
const maxShown = 500

export interface TypedDocument {
  readonly primaryType: string
  /** keccak256 of what is signed. */
  readonly digest: Hex
  readonly domain: readonly ShownField[]
  /** The message by field, in the order of its type. */
  readonly fields: readonly ShownField[]
  /** Fields that are signed but not among `fields`. */
  readonly hiddenFields: number
  /** The document in the one form that was hashed, for a signer that hashes it itself. */
  readonly canonical: string
}

/** Reads and hashes a document. Throws `TypedDataError`. */
export function readTypedData(json: string): TypedDocument {
  let document: unknown
  try {
    document = JSON.parse(json)
  } catch {
    throw new TypedDataError('the document', 'is not JSON')
  }
  if (!isRecord(document)) throw new TypedDataError('the document', 'must be an object')
  const { primaryType } = document
  const domain = Object.hasOwn(document, 'domain') ? document['domain'] : undefined
  if (!isRecord(domain)) throw new TypedDataError('domain', 'must be an object')
  const structs = readTypes(document['types'], domain)
  if (typeof primaryType !== 'string' || !structs.has(primaryType) || primaryType === domainType) {
    throw new TypedDataError('primaryType', 'is not among the types')
  }
  const shownDomain: ShownField[] = []
  const fields: ShownField[] = []
  let hiddenFields = 0
  const domainValue = new ValueReader(structs, (field) => shownDomain.push(field)).struct(
    domainType,
    domain,
    'domain',
  )
  const reader = new ValueReader(structs, (field) => {
    if (fields.length < maxShown) fields.push(field)
    else hiddenFields += 1
  })
  const message = reader.struct(primaryType, document['message'], 'message')
  const types = Object.fromEntries([...structs].map(([name, each]) => [name, [...each]]))
  const checked = { types, primaryType, domain: domainValue, message }
  return {
    primaryType,
    digest: digestOf(structs, primaryType, domainValue, message),
    domain: shownDomain,
    fields,
    hiddenFields,
    canonical: JSON.stringify(checked, (_name, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
  }
}
