/**
 * Calls of exported functions with exact bits: JavaScript can neither pass vectors nor keep the payload of a NaN,
 * so a small module around each instance makes the calls and answers the results as integers.
 */
import { ByteWriter } from '../../src/engine/compiler/metering/bytes.ts'
import type { Bits, Expected, NumberType } from './spec-script.ts'

const typeBytes: Readonly<Record<NumberType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
}

export interface ExactCall {
  readonly name: string
  readonly args: readonly Bits[]
  readonly results: readonly NumberType[]
}

/** One function per call, in order: runs it and answers its results' bits. Throws where a signature is another. */
export function exactCalls(exports: WebAssembly.Exports, calls: readonly ExactCall[]): (() => Bits[])[] {
  const imports = new Map<string, { call: ExactCall; index: number }>()
  for (const call of calls) {
    const key = signatureOf(call)
    if (!imports.has(key)) imports.set(key, { call, index: imports.size })
  }
  const out = new ByteWriter()
  for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.u8(byte)
  const shapes = [...imports.values()].map(({ call }) => call)
  section(out, 1, (body) => {
    body.u32(shapes.length + calls.length)
    for (const { args, results } of shapes)
      functionType(
        body,
        args.map(({ type }) => type),
        results,
      )
    for (const { results } of calls) functionType(body, [], wide(results))
  })
  section(out, 2, (body) => {
    body.u32(shapes.length)
    for (const [index, { name }] of shapes.entries()) {
      text(body, 'm')
      text(body, name)
      body.u8(0)
      body.u32(index)
    }
  })
  section(out, 3, (body) => {
    body.u32(calls.length)
    for (const index of calls.keys()) body.u32(shapes.length + index)
  })
  section(out, 7, (body) => {
    body.u32(calls.length)
    for (const index of calls.keys()) {
      text(body, `${index}`)
      body.u8(0)
      body.u32(shapes.length + index)
    }
  })
  section(out, 10, (body) => {
    body.u32(calls.length)
    for (const call of calls) {
      const code = new ByteWriter(64)
      callBody(code, call, imports.get(signatureOf(call))?.index ?? 0)
      body.u32(code.length)
      body.copy(code.bytes, 0, code.length)
    }
  })
  const module = new WebAssembly.Module(out.bytes.slice(0, out.length))
  const instance = new WebAssembly.Instance(module, {
    m: exports as Record<string, WebAssembly.ImportValue>,
  })
  return calls.map(({ results }, index) => () => {
    const answer = (instance.exports[`${index}`] as () => bigint | bigint[] | undefined)()
    const words = answer === undefined ? [] : typeof answer === 'bigint' ? [answer] : answer
    let at = 0
    const next = (): bigint => BigInt.asUintN(64, words[at++] ?? 0n)
    return results.map((type) => ({ type, bits: type === 'v128' ? next() | (next() << 64n) : next() }))
  })
}

function signatureOf({ name, args, results }: ExactCall): string {
  return `${args.map(({ type }) => type).join()}>${results.join()}>${name}`
}

/** The types of the results, where they are numbers or vectors all. */
export function resultTypes(expected: readonly Expected[]): NumberType[] | undefined {
  const types = expected.map(resultType)
  return types.some((type) => type === undefined) ? undefined : (types as NumberType[])
}

function resultType(expected: Expected): NumberType | undefined {
  if ('type' in expected) return expected.type
  if ('lanes' in expected) return 'v128'
  if ('either' in expected)
    return expected.either[0] === undefined ? undefined : resultType(expected.either[0])
  return undefined // a reference, or a NaN of a type that only the function knows
}

function callBody(code: ByteWriter, { args, results }: ExactCall, callee: number): void {
  code.u32(results.length)
  for (const type of results) {
    code.u32(1)
    code.u8(typeBytes[type])
  }
  for (const { type, bits } of args) constant(code, type, bits)
  code.u8(0x10)
  code.u32(callee)
  for (let index = results.length - 1; index >= 0; index--) local(code, 0x21, index)
  for (const [index, type] of results.entries()) {
    local(code, 0x20, index)
    if (type === 'i32') code.u8(0xad)
    if (type === 'f32') for (const byte of [0xbc, 0xad]) code.u8(byte)
    if (type === 'f64') code.u8(0xbd)
    if (type === 'v128') {
      for (const byte of [0xfd, 0x1d, 0]) code.u8(byte)
      local(code, 0x20, index)
      for (const byte of [0xfd, 0x1d, 1]) code.u8(byte)
    }
  }
  code.u8(0x0b)
}

function constant(code: ByteWriter, type: NumberType, bits: bigint): void {
  const raw = (count: number): void => {
    for (let index = 0; index < count; index++) code.u8(Number((bits >> BigInt(index * 8)) & 0xffn))
  }
  if (type === 'i32') {
    code.u8(0x41)
    code.s64(BigInt.asIntN(32, bits))
  } else if (type === 'i64') {
    code.u8(0x42)
    code.s64(BigInt.asIntN(64, bits))
  } else if (type === 'f32') {
    code.u8(0x43)
    raw(4)
  } else if (type === 'f64') {
    code.u8(0x44)
    raw(8)
  } else {
    code.u8(0xfd)
    code.u8(0x0c)
    raw(16)
  }
}

function local(code: ByteWriter, opcode: number, index: number): void {
  code.u8(opcode)
  code.u32(index)
}

function wide(results: readonly NumberType[]): NumberType[] {
  return results.flatMap((type): NumberType[] => (type === 'v128' ? ['i64', 'i64'] : ['i64']))
}

function functionType(body: ByteWriter, args: readonly NumberType[], results: readonly NumberType[]): void {
  body.u8(0x60)
  for (const types of [args, results]) {
    body.u32(types.length)
    for (const type of types) body.u8(typeBytes[type])
  }
}

function section(out: ByteWriter, id: number, fill: (body: ByteWriter) => void): void {
  const body = new ByteWriter()
  fill(body)
  out.u8(id)
  out.u32(body.length)
  out.copy(body.bytes, 0, body.length)
}

function text(body: ByteWriter, value: string): void {
  const bytes = new TextEncoder().encode(value)
  body.u32(bytes.length)
  body.copy(bytes, 0, bytes.length)
}

/** Whether a result is what the suite expects. */
export function matches(result: Bits, expected: Expected): boolean {
  if ('type' in expected) return result.type === expected.type && result.bits === expected.bits
  if ('either' in expected) return expected.either.some((each) => matches(result, each))
  if ('lanes' in expected) {
    const width = 128n / BigInt(expected.lanes.length)
    const type = width === 32n ? 'f32' : 'f64'
    return expected.lanes.every((lane, index) => {
      const bits = BigInt.asUintN(Number(width), result.bits >> (width * BigInt(index)))
      return matches({ type, bits }, lane)
    })
  }
  if (!('nan' in expected)) return false
  const fraction = result.type === 'f32' ? 23n : 52n
  const magnitude = BigInt.asUintN(result.type === 'f32' ? 31 : 63, result.bits)
  const canonical =
    ((BigInt.asUintN(result.type === 'f32' ? 9 : 12, -1n) >> 1n) << fraction) | (1n << (fraction - 1n))
  return expected.nan === 'canonical_nan' ? magnitude === canonical : (magnitude & canonical) === canonical
}
