/** What a person is shown of something that is to be signed: made from what is signed, and from nothing else. */
import { parseTransaction, type Hex } from 'viem'
import type { ShownField, SignedContent } from '../../../shared/domain/identity.ts'
import type { TypedDocument } from './typed-data/typed-data.ts'

const maxText = 4_096
const maxHexBytes = 1_024
const maxFieldText = 1_024

export function shownMessage(message: Uint8Array): SignedContent {
  const text = textOf(message)
  return {
    kind: 'message',
    bytes: message.length,
    text: text === null ? null : visible(text.slice(0, maxText)),
    hex: hexOf(message),
    isCut: (text?.length ?? 0) > maxText || message.length > maxHexBytes,
  }
}

export function shownTypedData(document: TypedDocument): SignedContent {
  const { primaryType, domain, fields, hiddenFields } = document
  return {
    kind: 'typed-data',
    primaryType,
    domain: domain.map(shownField),
    fields: fields.map(shownField),
    hiddenFields,
  }
}

/** `serialized` is the unsigned transaction whose hash is signed. */
export function shownTransaction(serialized: Hex): SignedContent {
  const { to, value, data, nonce, gas, gasPrice, maxFeePerGas } = parseTransaction(serialized)
  const dataBytes = data === undefined ? 0 : (data.length - 2) / 2
  const feePerGas = maxFeePerGas ?? gasPrice ?? 0n
  return {
    kind: 'transaction',
    to: to?.toLowerCase() ?? null,
    valueWei: (value ?? 0n).toString(),
    data: (data ?? '0x').slice(0, 2 + 2 * maxHexBytes),
    dataBytes,
    nonce: String(nonce ?? 0),
    gas: String(gas ?? 0n),
    maxFeeWei: ((gas ?? 0n) * feePerGas).toString(),
  }
}

function shownField({ path, type, value }: ShownField): ShownField {
  const isCut = value.length > maxFieldText
  return {
    path,
    type,
    value: visible(value.slice(0, maxFieldText)) + (isCut ? ` … (${value.length} characters)` : ''),
  }
}

/** Characters that have no form of their own, or turn the text around them, are written out. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, (character) =>
    character === '\n' || character === '\t'
      ? character
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.subarray(0, maxHexBytes)).toString('hex')}`
}
