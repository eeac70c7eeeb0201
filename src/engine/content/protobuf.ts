/** As much of protobuf as IPFS nodes need: varints and length-delimited fields, bounds checked. */
export interface Field {
  readonly number: number
  readonly value: bigint | Uint8Array
}

/** The fields of a message in order. Throws for what is none. */
export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) throw new Error('a number is cut off')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new Error('a number is too long')
  }
  while (at < bytes.byteLength) {
    const key = varint()
    const number = Number(key >> 3n)
    const wire = Number(key & 7n)
    if (wire === 0) fields.push({ number, value: varint() })
    else if (wire === 2) {
      const length = Number(varint())
      if (length > bytes.byteLength - at) throw new Error('a field is cut off')
      fields.push({ number, value: bytes.subarray(at, at + length) })
      at += length
    } else throw new Error('an unknown kind of field')
  }
  return fields
}
