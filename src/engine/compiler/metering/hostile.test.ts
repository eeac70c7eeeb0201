import fc from 'fast-check'
import { expect, test } from 'vitest'
import { componentFromText as wasmOf } from '../../../../test/support/wasm-components.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { fuelExport, meterModule, type MeterOptions } from './meter.ts'

const options: MeterOptions = { memoryCap: () => 4n, maxTableElements: 100, maxMemories: 4 }
type Exports = Record<string, (...args: unknown[]) => unknown>

interface Metered {
  readonly exports: Exports
  readonly fuel: { value: bigint }
}

async function metered(text: string, more: Partial<MeterOptions> = {}): Promise<Metered> {
  return instanceOf(await wasmOf(text), more)
}

function instanceOf(wasm: Uint8Array, more: Partial<MeterOptions> = {}): Metered {
  const { bytes } = meterModule(wasm, { ...options, ...more })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return { exports: exports as Exports, fuel: exports[fuelExport] as { value: bigint } }
}

function used({ exports, fuel }: Metered, name: string, ...args: unknown[]): bigint {
  const budget = 1n << 50n
  fuel.value = budget
  exports[name]!(...args)
  return budget - fuel.value
}

function codeOf(bytes: Uint8Array, more: Partial<MeterOptions> = {}): string {
  try {
    meterModule(bytes, { ...options, ...more })
    return 'metered'
  } catch (thrown) {
    if (thrown instanceof PaddockError) return thrown.code
    throw thrown
  }
}

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
const voidType = [1, 4, 1, 0x60, 0, 0]

test('an endless start function ends on the initial fuel, within instantiation', async () => {
  const bytes = await wasmOf('(module (func $s (loop (br 0))) (start $s))')
  const { bytes: result } = meterModule(bytes, { ...options, initialFuel: 1_000_000n })
  expect(() => new WebAssembly.Instance(new WebAssembly.Module(result))).toThrow(WebAssembly.RuntimeError)
})

test('exports that differ from the counter’s name in little are no collision', async () => {
  const module = await metered(
    '(module (func (export "paddock:fue") (export "paddock:fuel ") (export "Paddock:fuel") (export "")))',
  )
  expect(Object.keys(module.exports).sort()).toEqual(
    ['', 'Paddock:fuel', 'paddock:fue', 'paddock:fuel', 'paddock:fuel ', 'paddock:refused'].sort(),
  )
})

test('a name that only some decoders read as the counter’s is no counter', () => {
  // "paddock:fuel" after a byte order mark: no collision by the bytes, so the names must stay apart by the bytes.
  const name = [...new TextEncoder().encode('\ufeffpaddock:fuel')]
  const body = [1, name.length, ...name, 0, 0]
  const bytes = Uint8Array.of(
    ...header,
    ...voidType,
    3,
    2,
    1,
    0,
    7,
    body.length,
    ...body,
    10,
    4,
    1,
    2,
    0,
    0x0b,
  )
  expect(WebAssembly.validate(bytes)).toBe(true)
  const code = codeOf(bytes)
  if (code === 'metered') expect(typeof instanceOf(bytes).fuel.value).toBe('bigint')
  else expect(code).toBe('component.malformed')
})

test('a global of the guest cannot be the counter: its index is out of the guest’s reach', async () => {
  const module = await metered(`(module (global $g (mut i64) (i64.const 5))
    (func (export "go") (result i64) (global.set $g (i64.const 1000)) (global.get $g)))`)
  module.fuel.value = 100n
  expect(module.exports.go!()).toBe(1000n)
  expect(module.fuel.value).toBeLessThan(100n)
})

test('each of several memories has its cap, and each is paid by its own operands', async () => {
  const module = await metered(`(module (memory $a 1) (memory $b 1)
    (func (export "grow-a") (param i32) (result i32) (memory.grow $a (local.get 0)))
    (func (export "grow-b") (param i32) (result i32) (memory.grow $b (local.get 0)))
    (func (export "copy") (param i32) (memory.copy $a $b (i32.const 0) (i32.const 0) (local.get 0))))`)
  module.fuel.value = 1n << 50n
  expect([module.exports['grow-a']!(4), module.exports['grow-b']!(4)]).toEqual([-1, -1])
  expect([module.exports['grow-a']!(3), module.exports['grow-b']!(3)]).toEqual([1, 1])
  expect(used(module, 'copy', 80_000) - used(module, 'copy', 0)).toBe(10_000n)
})

test('each of several tables has its cap; too many are refused', async () => {
  const module = await metered(`(module (table $a 1 funcref) (table $b 1 externref)
    (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
    (func (export "b") (param i32) (result i32) (table.grow $b (ref.null extern) (local.get 0))))`)
  module.fuel.value = 1n << 50n
  expect([module.exports.a!(100), module.exports.b!(100)]).toEqual([-1, -1])
  expect([module.exports.a!(99), module.exports.b!(99)]).toEqual([1, 1])
  expect(codeOf(await wasmOf(`(module ${'(table 1 funcref)'.repeat(17)})`))).toBe('compiler.over_limit')
})

test.each<[string, string, bigint]>([
  ['memory.fill', '(memory.fill (i32.const 0) (i32.const 1) (local.get 0))', 8n],
  ['memory.init', '(memory.init $d (i32.const 0) (i32.const 0) (local.get 0))', 8n],
  ['table.fill', '(table.fill $t (i32.const 0) (ref.null func) (local.get 0))', 1n],
  ['table.copy', '(table.copy $t $t (i32.const 0) (i32.const 0) (local.get 0))', 1n],
  ['table.init', '(table.init $t $e (i32.const 0) (i32.const 0) (local.get 0))', 1n],
  ['table.grow', '(drop (table.grow $t (ref.null func) (local.get 0)))', 1n],
])('%s is paid by its operand', async (_, body, elementsPerUnit) => {
  const module = await metered(`(module (memory 1) (table $t 48 100 funcref)
    (data $d "${'x'.repeat(64)}") (elem $e funcref ${'(ref.null func)'.repeat(48)})
    (func (export "go") (param i32) ${body}))`)
  const nothing = used(module, 'go', 0)
  expect(used(module, 'go', 48) - nothing).toBe(48n / elementsPerUnit)
})

test('memory.grow is paid as if it filled its pages, and a refused one is not', async () => {
  const module = await metered(
    '(module (memory 1) (func (export "go") (param i32) (result i32) (memory.grow (local.get 0))))',
  )
  const nothing = used(module, 'go', 0)
  expect(used(module, 'go', 1_000)).toBe(nothing)
  expect(used(module, 'go', 3) - nothing).toBe(3n * 8_192n)
})

test('a refused growth of memory leaves its mark, a granted one and a refused one of a table do not', async () => {
  for (const [type, index] of [
    ['i32', ''],
    ['i64', 'i64 '],
  ] as const) {
    const { exports, fuel } = await metered(`(module (memory ${index}1) (table $t 1 1 funcref)
      (func (export "memory") (param ${type}) (result ${type}) (memory.grow (local.get 0)))
      (func (export "table") (result i32) (table.grow $t (ref.null func) (i32.const 5))))`)
    fuel.value = 1n << 50n
    const refused = (exports as Record<string, unknown>)['paddock:refused'] as { value: number }
    const page = type === 'i64' ? 1n : 1
    expect([exports.memory!(page), exports.table!(), refused.value]).toEqual([page, -1, 0])
    exports.memory!(type === 'i64' ? 1n << 40n : 60_000)
    expect(refused.value).toBe(1)
  }
})

test('a module cannot have the name of that mark', async () => {
  expect(codeOf(await wasmOf('(module (func (export "paddock:refused")))'))).toBe('component.malformed')
})

test('a length near 2³² or 2⁶⁴ empties the tank before the operation traps; it never fills it', async () => {
  for (const [type, value, index] of [
    ['i32', -1, ''],
    ['i64', -1n, 'i64 '],
  ] as const) {
    const module = await metered(`(module (memory ${index}1) (func (export "go") (param ${type})
      (memory.fill (${type}.const 0) (i32.const 0) (local.get 0))))`)
    module.fuel.value = 1_000n
    expect(() => module.exports.go!(value)).toThrow(WebAssembly.RuntimeError)
    expect(module.fuel.value).toBeLessThan(0n)
  }
})

test('64-bit memories and tables have their caps', async () => {
  const module = await metered(`(module (memory i64 1) (table $t i64 1 funcref)
    (func (export "memory") (param i64) (result i64) (memory.grow (local.get 0)))
    (func (export "table") (param i64) (result i64) (table.grow $t (ref.null func) (local.get 0))))`)
  module.fuel.value = 1n << 50n
  expect([module.exports.memory!(4n), module.exports.table!(100n)]).toEqual([-1n, -1n])
  expect([module.exports.memory!(3n), module.exports.table!(99n)]).toEqual([1n, 1n])
})

test('exceptions of the old form are metered, through handlers, delegates and rethrows', () => {
  // try (throw 0) catch 0 end, over and over: loop try throw catch end br 0 end
  const code = [0, 0x03, 0x40, 0x06, 0x40, 0x08, 0, 0x07, 0, 0x0b, 0x0c, 0, 0x0b, 0x0b]
  const bytes = Uint8Array.of(
    ...[...header, ...voidType, 3, 2, 1, 0, 13, 3, 1, 0, 0, 7, 6, 1, 2, 0x67, 0x6f, 0, 0],
    ...[10, code.length + 2, 1, code.length, ...code],
  )
  expect(WebAssembly.validate(bytes)).toBe(true)
  const module = instanceOf(bytes)
  module.fuel.value = 100_000n
  expect(() => module.exports.go!()).toThrow(WebAssembly.RuntimeError)
  expect(module.fuel.value).toBeLessThan(0n)
})

test('no handler of the guest catches the want of fuel', async () => {
  const module = await metered(`(module (tag $e) (func $burn (loop (br 0)))
    (func (export "go") (result i32)
      (block $h (try_table (catch_all $h) (call $burn))) (i32.const 1)))`)
  module.fuel.value = 1_000n
  expect(() => module.exports.go!()).toThrow(WebAssembly.RuntimeError)
  expect(module.fuel.value).toBeLessThan(0n)
})

test('a function of 49,995 locals is metered and paid for, one of more is refused', async () => {
  const withLocals = (count: number): string => `(module (func (export "go") ${'(local i64)'.repeat(count)}))`
  expect(used(await metered(withLocals(1_600)), 'go')).toBe(101n)
  expect(codeOf(await wasmOf(withLocals(49_995)))).toBe('metered')
  expect(codeOf(await wasmOf(withLocals(49_996)))).toBe('compiler.over_limit')
  const groups = [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b] // 2³² - 1 locals in one group
  const bytes = Uint8Array.of(
    ...header,
    ...voidType,
    3,
    2,
    1,
    0,
    10,
    groups.length + 2,
    1,
    groups.length,
    ...groups,
  )
  expect(codeOf(bytes)).toBe('compiler.over_limit')
})

const br = (label: number): number[] => [0x41, 0, 0x0d, ...leb(label)]
const repeated = (count: number, ...bytes: number[]): Uint8Array =>
  Uint8Array.from({ length: count * bytes.length }, (_, index) => bytes[index % bytes.length]!)

test.each<[string, Uint8Array[], string]>([
  ['200,000 nested blocks', [repeated(200_000, 0x02, 0x40), repeated(200_001, 0x0b)], 'metered'],
  ['200,000 nested loops', [repeated(200_000, 0x03, 0x40), repeated(200_001, 0x0b)], 'metered'],
  [
    '200,000 nested blocks with as many branches out of them all',
    [repeated(200_000, 0x02, 0x40), repeated(200_000, ...br(200_000)), repeated(200_001, 0x0b)],
    'metered',
  ],
  [
    'more charges than fit a function',
    [repeated(900_000, 0x41, 0, 0x04, 0x40, 1, 0x41, 0, 0x1a, 0x05, 0x0b), repeated(1, 0x0b)],
    'compiler.over_limit',
  ],
])('%s take time in proportion', (_, parts, code) => {
  const bytes = withBody(...parts)
  const began = performance.now()
  expect(codeOf(bytes)).toBe(code)
  // Work in proportion to the square would take minutes.
  expect(performance.now() - began).toBeLessThan(4_000)
})

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]
}

/** A module with one function of this body, `end` included and without locals. */
function withBody(...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 1)
  const size = leb(length)
  const prefix = [...header, ...voidType, 3, 2, 1, 0, 10, ...leb(1 + size.length + length), 1, ...size, 0]
  const bytes = new Uint8Array(prefix.length + length - 1)
  bytes.set(prefix)
  let at = prefix.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

test.each<[string, number[]]>([
  ['no bytes', []],
  ['a component', [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]],
  ['a section past the end', [...header, 1, 0x7f, 0]],
  ['a section size that never ends', [...header, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ['four billion types', [...header, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['four billion parameters', [...header, 1, 7, 1, 0x60, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['four billion imports', [...header, 2, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['a name past the end', [...header, 2, 4, 1, 0x7f, 0x61, 0x61]],
  ['a custom section whose name is longer than it', [...header, 0, 1, 0x7f]],
  ['sections twice', [...header, ...voidType, ...voidType]],
  ['sections out of order', [...header, 3, 1, 0, 1, 1, 0]],
  ['functions without bodies', [...header, ...voidType, 3, 2, 1, 0]],
  ['bodies without functions', [...header, ...voidType, 10, 4, 1, 2, 0, 0x0b]],
  ['a body that ends early', [...header, ...voidType, 3, 2, 1, 0, 10, 5, 1, 3, 0, 0x0b, 0x0b]],
  [
    'a br_table of four billion',
    [...header, ...voidType, 3, 2, 1, 0, 10, 10, 1, 8, 0, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0],
  ],
])('%s: never valid afterwards', (_, bytes) => {
  const wasm = Uint8Array.from(bytes)
  expect(WebAssembly.validate(wasm)).toBe(false)
  let result: Uint8Array
  try {
    result = meterModule(wasm, options).bytes
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PaddockError)
    return
  }
  expect(WebAssembly.validate(result)).toBe(false)
})

test('a branch table, tail calls and SIMD use the same fuel for the same input', async () => {
  const text = `(module (table funcref (elem $odd $even)) (type $t (func (param i32) (result i32)))
    (func $odd (param i32) (result i32) (if (result i32) (local.get 0)
      (then (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
      (else (i32.const 0))))
    (func $even (param i32) (result i32) (if (result i32) (local.get 0)
      (then (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
      (else (i32.const 1))))
    (func (export "even") (param i32) (result i32) (call $even (local.get 0)))
    (func (export "pick") (param i32) (result i32)
      (block $a (block $b (block $c (br_table $a $b $c (local.get 0))) (return (i32.const 30))) (return (i32.const 20)))
      (i32.const 10))
    (func (export "vector") (param i32) (result i32) (local $v v128)
      (loop $l
        (local.set $v (i32x4.add (local.get $v) (i32x4.splat (local.get 0))))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (i32x4.extract_lane 3 (local.get $v))))`
  const [one, two] = [await metered(text), await metered(text)]
  one.fuel.value = 1n << 50n
  expect([0, 1, 2, 9].map((number) => one.exports.pick!(number))).toEqual([10, 20, 30, 30])
  expect([one.exports.even!(10_001), one.exports.even!(100_000), one.exports.vector!(100)]).toEqual([
    0, 1, 5050,
  ])
  fc.assert(
    fc.property(fc.constantFrom('even', 'pick', 'vector'), fc.integer({ min: 1, max: 500 }), (name, n) => {
      const units = used(one, name, n)
      expect(used(two, name, n)).toBe(units)
      if (name !== 'pick') expect(units).toBeGreaterThanOrEqual(BigInt(n))
    }),
  )
})
