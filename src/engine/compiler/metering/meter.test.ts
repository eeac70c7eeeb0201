import fc from 'fast-check'
import { expect, test } from 'vitest'
import { componentFromText as wasmOf } from '../../../../test/support/wasm-components.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { fuelExport, meterModule, type MeterOptions } from './meter.ts'

const options: MeterOptions = { memoryCap: () => 4n, maxTableElements: 100 }

interface Metered {
  readonly exports: Record<string, (...args: unknown[]) => unknown>
  readonly fuel: { value: bigint }
}

async function metered(
  text: string,
  more: Partial<MeterOptions> = {},
  imports: WebAssembly.Imports = {},
): Promise<Metered> {
  const { bytes } = meterModule(await wasmOf(text), { ...options, ...more })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
  return { exports: exports as Metered['exports'], fuel: exports[fuelExport] as { value: bigint } }
}

/** Calls with so much fuel; answers the result and what it used. */
function call(
  { exports, fuel }: Metered,
  name: string,
  args: unknown[] = [],
  budget = 1_000_000n,
): [unknown, bigint] {
  fuel.value = budget
  const result = exports[name]!(...args)
  return [result, budget - fuel.value]
}

async function codeOf(text: string, more: Partial<MeterOptions> = {}): Promise<string> {
  try {
    meterModule(await wasmOf(text), { ...options, ...more })
    return 'metered'
  } catch (thrown) {
    if (thrown instanceof PaddockError) return thrown.code
    throw thrown
  }
}

const loops: [string, string][] = [
  ['a bare loop', '(func (export "go") (loop (br 0)))'],
  ['a loop over a call', '(func $f) (func (export "go") (loop (call $f) (br 0)))'],
  ['recursion', '(func $f (export "go") (call $f) (call $f))'],
  ['tail recursion', '(func $f (export "go") (return_call $f))'],
  [
    'tail recursion through a table',
    '(table funcref (elem $f)) (type $t (func)) (func $f (export "go") (return_call_indirect (type $t) (i32.const 0)))',
  ],
  ['a loop through br_table', '(func (export "go") (loop (br_table 0 0 (i32.const 1))))'],
  ['a loop through br_if', '(func (export "go") (loop (br_if 0 (i32.const 1))))'],
  [
    'a loop over exceptions',
    '(tag $e) (func (export "go") (loop $l (block $h (try_table (catch $e $h) (throw $e))) (br $l)))',
  ],
  [
    'a loop over memory.fill',
    '(memory 1) (func (export "go") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))',
  ],
  [
    'a loop over SIMD',
    '(func (export "go") (local v128) (loop (local.set 0 (i8x16.add (local.get 0) (local.get 0))) (br 0)))',
  ],
]

test.each(loops)('%s ends by a trap with a negative counter', async (_, body) => {
  const module = await metered(`(module ${body})`)
  // Too little for a recursion to run out of stack first.
  module.fuel.value = 9_000n
  expect(() => module.exports.go!()).toThrow()
  expect(module.fuel.value).toBeLessThan(0n)
})

test('a trap of the guest itself leaves the counter as it is', async () => {
  const module = await metered('(module (func (export "go") unreachable))')
  module.fuel.value = 1000n
  expect(() => module.exports.go!()).toThrow(WebAssembly.RuntimeError)
  expect(module.fuel.value).toBeGreaterThan(0n)
})

test('memory grows to the cap and no further, and a table likewise', async () => {
  const module = await metered(`(module (memory 1) (table 2 funcref)
    (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`)
  expect(call(module, 'memory', [3])[0]).toBe(1)
  expect(call(module, 'memory', [1])[0]).toBe(-1)
  expect(call(module, 'table', [98])[0]).toBe(2)
  expect(call(module, 'table', [1])[0]).toBe(-1)
})

test('a lower maximum of its own is kept, a higher minimum is refused', async () => {
  const module = await metered(
    '(module (memory 1 2) (func (export "go") (param i32) (result i32) (memory.grow (local.get 0))))',
  )
  expect(call(module, 'go', [2])[0]).toBe(-1)
  expect(await codeOf('(module (memory 5))')).toBe('compiler.over_limit')
  expect(await codeOf('(module (table 101 funcref))')).toBe('compiler.over_limit')
  expect(await codeOf('(module (memory 1) (memory 1))')).toBe('compiler.over_limit')
  expect(await codeOf('(module (memory 1) (memory 1))', { maxMemories: 2 })).toBe('metered')
})

const collatz = `(module (func (export "go") (param $n i64) (result i64) (local $steps i64)
  (block $done (loop $next
    (br_if $done (i64.le_u (local.get $n) (i64.const 1)))
    (local.set $n (if (result i64) (i64.eqz (i64.and (local.get $n) (i64.const 1)))
      (then (i64.shr_u (local.get $n) (i64.const 1)))
      (else (i64.add (i64.mul (local.get $n) (i64.const 3)) (i64.const 1)))))
    (local.set $steps (i64.add (local.get $steps) (i64.const 1)))
    (br $next)))
  (local.get $steps)))`

function collatzSteps(n: bigint): bigint {
  let steps = 0n
  for (; n > 1n; steps++) n = n % 2n === 0n ? n / 2n : 3n * n + 1n
  return steps
}

test('the result is that of the original, and the same input uses the same fuel', async () => {
  const [first, second] = [await metered(collatz), await metered(collatz)]
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 1_000_000n }), (n) => {
      const [result, used] = call(first, 'go', [n])
      expect(result).toBe(collatzSteps(n))
      expect(call(second, 'go', [n])).toEqual([result, used])
      // About one unit an instruction: some 14 a step.
      expect(used).toBeGreaterThanOrEqual(collatzSteps(n) * 8n)
      expect(used).toBeLessThanOrEqual(20n + collatzSteps(n) * 20n)
    }),
  )
})

test('bulk operations are paid by their length', async () => {
  const module = await metered(`(module (memory 4) (func (export "go") (param i32)
    (memory.copy (i32.const 0) (i32.const 8) (local.get 0))))`)
  const used = (bytes: number): bigint => call(module, 'go', [bytes])[1]
  expect(used(80_000) - used(0)).toBe(10_000n)
})

test('no host function runs on credit', async () => {
  let calls = 0
  const module = await metered(
    `(module (import "h" "f" (func $f)) (func (export "go") (loop (call $f) (br 0))))`,
    {},
    { h: { f: () => calls++ } },
  )
  module.fuel.value = 50n
  expect(() => module.exports.go!()).toThrow()
  expect(calls).toBeLessThanOrEqual(50)
  expect(calls).toBeGreaterThan(5)
})

test('a start function runs on the initial fuel, and not without', async () => {
  const text =
    '(module (global $g (mut i32) (i32.const 0)) (func $s (local i32) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100)))) (global.set $g (i32.const 7))) (start $s) (func (export "go") (result i32) (global.get $g)))'
  await expect(metered(text)).rejects.toThrow(WebAssembly.RuntimeError)
  const module = await metered(text, { initialFuel: 10_000n })
  expect(module.fuel.value).toBeLessThan(10_000n)
  expect(call(module, 'go')[0]).toBe(7)
})

test.each<[string, string, string]>([
  [
    'SIMD',
    '(func (result v128) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const i64x2 1 2) (v128.const i64x2 3 4)))',
    'metered',
  ],
  [
    'SIMD lanes in memory',
    '(memory 1) (func (v128.store8_lane 3 (i32.const 0) (v128.const i64x2 1 2)))',
    'metered',
  ],
  [
    'relaxed SIMD',
    '(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))',
    'compiler.unsupported_opcode',
  ],
  [
    'bulk memory',
    '(memory 1) (data $d "x") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $d))',
    'metered',
  ],
  [
    'table operations',
    '(table $t 1 funcref) (elem $e funcref (ref.null func)) (func (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e) (table.fill (i32.const 0) (ref.null func) (i32.const 1)))',
    'metered',
  ],
  ['saturating truncation', '(func (result i32) (i32.trunc_sat_f64_s (f64.const 1)))', 'metered'],
  ['sign extension', '(func (result i32) (i32.extend8_s (i32.const 1)))', 'metered'],
  ['several results', '(func (result i32 i64) (i32.const 1) (i64.const 2))', 'metered'],
  ['exceptions', '(tag $e (param i32)) (func (throw $e (i32.const 1)))', 'metered'],
  ['exceptions that carry exceptions', '(tag $e (param exnref)) (func)', 'compiler.unsupported_opcode'],
  [
    'function references',
    '(type $t (func)) (func (param (ref null $t)) (call_ref $t (local.get 0)))',
    'metered',
  ],
  ['atomics on unshared memory', '(memory 1) (func (drop (i32.atomic.load (i32.const 0))))', 'metered'],
  ['shared memory', '(memory 1 2 shared)', 'compiler.unsupported_opcode'],
  ['structs', '(type $s (struct (field i32)))', 'compiler.unsupported_opcode'],
  ['arrays', '(type $a (array i32))', 'compiler.unsupported_opcode'],
  ['i31 references', '(func (drop (ref.i31 (i32.const 1))))', 'compiler.unsupported_opcode'],
  ['an export of the counter’s name', `(func (export "${fuelExport}"))`, 'component.malformed'],
  [
    'an import of the counter’s name',
    `(import "m" "${fuelExport}" (global (mut i64)))`,
    'component.malformed',
  ],
])('%s: %s', async (_, body, code) => {
  expect(await codeOf(`(module ${body})`)).toBe(code)
})

test('what is metered is valid', async () => {
  for (const text of [
    ...loops.map(([, body]) => body),
    '(memory 1) (global i32 (i32.const 1)) (export "g" (global 0))',
  ]) {
    const { bytes } = meterModule(await wasmOf(`(module ${text})`), options)
    expect(WebAssembly.validate(bytes)).toBe(true)
  }
})

/** A module with one function of this body, `end` included. */
function withBody(...body: number[]): Uint8Array {
  const code = [0, ...body]
  return Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
    ...[10, code.length + 2, 1, code.length, ...code],
  )
}

test('every opcode that is not known is refused, none is guessed at', () => {
  const refused = (bytes: Uint8Array): string | undefined => {
    try {
      meterModule(bytes, options)
      return undefined
    } catch (thrown) {
      return thrown instanceof PaddockError ? thrown.code : 'untyped'
    }
  }
  for (const opcode of [0x16, 0x17, 0x1d, 0x1e, 0x27, 0xc5, 0xcf, 0xd7, 0xe0, 0xfa, 0xfb, 0xff]) {
    expect([opcode, refused(withBody(opcode, 0x0b))]).toEqual([opcode, 'compiler.unsupported_opcode'])
  }
  for (const bytes of [
    [0xfc, 18],
    [0xfd, 0x9a, 0x01],
    [0xfd, 0xa0, 0x02],
    [0xfe, 0x0f],
  ]) {
    expect([bytes, refused(withBody(...bytes, 0x0b))]).toEqual([bytes, 'compiler.unsupported_opcode'])
  }
  expect(refused(withBody(0x0b))).toBeUndefined()
})

test('a local, global or label that only the additions would make valid is refused', () => {
  for (const body of [
    [0x20, 0],
    [0x23, 0],
    [0x0c, 1],
  ]) {
    expect(() => meterModule(withBody(...body, 0x0b), options)).toThrow(
      expect.objectContaining({ code: 'component.malformed' }),
    )
  }
})

test('damaged modules fail with a typed error or are metered; nothing crashes or hangs', async () => {
  const originals = await Promise.all([collatz, ...loops.map(([, body]) => `(module ${body})`)].map(wasmOf))
  const codes = ['component.malformed', 'compiler.unsupported_opcode', 'compiler.over_limit']
  fc.assert(
    fc.property(
      fc.nat(originals.length - 1),
      fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 5 }),
      fc.nat(500),
      (which, changes, cut) => {
        const bytes = originals[which]!.slice()
        for (const [position, value] of changes) bytes[position % bytes.length] = value
        for (const each of [bytes, bytes.subarray(0, cut % bytes.length)]) {
          try {
            const { bytes: result } = meterModule(each, options)
            // What was invalid never becomes valid, so no check of the engine is lost.
            if (WebAssembly.validate(result)) expect(WebAssembly.validate(each)).toBe(true)
          } catch (thrown) {
            if (!(thrown instanceof PaddockError)) throw thrown
            expect(codes).toContain(thrown.code)
          }
        }
      },
    ),
    { numRuns: 3000 },
  )
})
