// As much of the ABI as reading needs: functions whose parameters and results are static words or one text.
import { keccak_256 } from '@noble/hashes/sha3'
import { decodeText, ToolFailure } from 'paddock:tool'

const wordHex = 64

function refuse(message: string): never {
  throw new ToolFailure('input', message, 'bad_argument')
}

function selector(signature: string): string {
  const hash = keccak_256(Uint8Array.from(signature, (letter) => letter.charCodeAt(0)))
  return Array.from(hash.slice(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The types between the brackets of `balanceOf(address)`. */
function parameterTypes(signature: string): string[] {
  const inside = /^[A-Za-z_$][\w$]*\(([\w,]*)\)$/.exec(signature)?.[1]
  if (inside === undefined) refuse(`"${signature}" is not a signature such as balanceOf(address).`)
  return inside === '' ? [] : inside.split(',')
}

function encodeWord(type: string, value: string): string {
  if (type === 'address') {
    if (!/^0x[0-9a-fA-F]{40}$/.test(value)) refuse(`"${value}" is not an address.`)
    return value.slice(2).toLowerCase().padStart(wordHex, '0')
  }
  if (type === 'bool') {
    if (value !== 'true' && value !== 'false') refuse(`"${value}" is neither true nor false.`)
    return (value === 'true' ? '1' : '0').padStart(wordHex, '0')
  }
  if (type === 'bytes32') {
    if (!/^0x[0-9a-fA-F]{64}$/.test(value)) refuse(`"${value}" is not 32 bytes.`)
    return value.slice(2).toLowerCase()
  }
  return encodeNumber(type, value)
}

function encodeNumber(type: string, value: string): string {
  const [, unsigned = '', digits = '256'] = /^(u?)int([1-9]\d{0,2})?$/.exec(type) ?? []
  const bits = Number(digits)
  if (!/^u?int\d*$/.test(type) || bits > 256 || bits % 8 !== 0)
    refuse(`Parameters of the type ${type} are not supported.`)
  if (!/^-?\d{1,78}$/.test(value)) refuse(`"${value}" is not a whole number.`)
  const number = BigInt(value)
  const kept = unsigned === 'u' ? BigInt.asUintN(bits, number) : BigInt.asIntN(bits, number)
  if (kept !== number) refuse(`${value} does not fit ${type}.`)
  return BigInt.asUintN(256, number).toString(16).padStart(wordHex, '0')
}

/** The data of a call. Throws a `ToolFailure` for what does not fit the signature. */
export function encodeCall(signature: string, values: readonly string[]): string {
  const types = parameterTypes(signature)
  if (types.length !== values.length)
    refuse(`${signature} takes ${types.length} arguments, not ${values.length}.`)
  return `0x${selector(signature)}${types.map((type, index) => encodeWord(type, values[index] ?? '')).join('')}`
}

/** What a call answered, as decimal text, `0x…`, a boolean or text. */
export function decodeResult(type: string, data: string): string | boolean {
  const hex = data.slice(2)
  if (hex.length < wordHex) refuse('The contract answered nothing: is it one, on this chain?')
  const first = hex.slice(0, wordHex)
  switch (type) {
    case 'address':
      return `0x${first.slice(24)}`
    case 'bool':
      return BigInt(`0x${first}`) !== 0n
    case 'bytes32':
      return `0x${first}`
    case 'string': {
      const length = Number(BigInt(`0x${hex.slice(wordHex, 2 * wordHex) || '0'}`))
      const bytes = hex.slice(2 * wordHex, 2 * wordHex + 2 * length)
      if (bytes.length !== 2 * length) refuse('The contract answered no text: choose another type.')
      return decodeText(Uint8Array.from(bytes.match(/../g) ?? [], (digits) => parseInt(digits, 16)))
    }
    default:
      if (/^uint\d*$/.test(type)) return BigInt(`0x${first}`).toString()
      if (/^int\d*$/.test(type)) return BigInt.asIntN(256, BigInt(`0x${first}`)).toString()
      return data
  }
}
