/** What a hostile guest may try, tried by real core modules: each must trap, and leave the instance dead. */
import { expect, test, vi } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { allocator, instantiateText } from './core-guest.testing.ts'
import type { CoreGuest } from './core-guest.testing.ts'
import { dropFunction, guestFunction, hostFunction } from './functions.ts'
import { maxCallBytes } from '../../shared/domain/limits.ts'
import { Guest, GuestMemory } from './guest.ts'
import * as t from './types.ts'
import type { FunctionType } from './types.ts'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof PaddockError) return error.code
    throw error
  }
  return 'no error'
}

function expectTrap(guest: CoreGuest, name: string, type: FunctionType, ...values: unknown[]): void {
  expect(codeOf(() => guest.call(name, type, ...values))).toBe('sandbox.trap')
  expect(guest.guest.failure?.code).toBe('sandbox.trap')
  // Dead for good: nothing may enter it again.
  expect(codeOf(() => guest.call(name, type, ...values))).toBe('sandbox.trap')
}

/** A guest whose export `go` returns a pointer to `data`, given as the text format's string. */
function returning(pointer: number, data = '', at = pointer): CoreGuest {
  return instantiateText(`(module ${allocator}
    (data (i32.const ${at}) "${data}")
    (func (export "go") (result i32) (i32.const ${pointer})))`)
}

const pair = t.tuple(t.u32, t.u32)
const scalars = t.list(t.u16)
const lists: [string, FunctionType, number, string][] = [
  ['a result pointer out of bounds', t.func([], pair), 65_532, ''],
  ['a result pointer near 2^32', t.func([], pair), -4, ''],
  ['an unaligned result pointer', t.func([], pair), 18, ''],
  ['a string past the end of memory', t.func([], t.string), 16, '\\00\\ff\\00\\00\\00\\02\\00\\00'],
  ['a string as long as the address space', t.func([], t.string), 16, '\\00\\00\\00\\00\\ff\\ff\\ff\\ff'],
  ['bytes that wrap around', t.func([], t.bytes), 16, '\\f0\\ff\\ff\\ff\\20\\00\\00\\00'],
  ['invalid UTF-8, short', t.func([], t.string), 16, '\\18\\00\\00\\00\\02\\00\\00\\00\\c3\\28'],
  ['a surrogate in UTF-8', t.func([], t.string), 16, '\\18\\00\\00\\00\\03\\00\\00\\00\\ed\\a0\\80'],
  ['invalid UTF-8, long', t.func([], t.string), 16, `\\18\\00\\00\\00\\20\\00\\00\\00${'a'.repeat(31)}\\ff`],
  ['a list out of bounds', t.func([], scalars), 16, '\\00\\00\\00\\00\\01\\80\\00\\00'],
  ['a list of huge length', t.func([], scalars), 16, '\\00\\00\\00\\00\\ff\\ff\\ff\\7f'],
  ['an unaligned list', t.func([], scalars), 16, '\\01\\00\\00\\00\\01\\00\\00\\00'],
  ['an unaligned inner list', t.func([], t.list(scalars)), 16, '\\02\\00\\00\\00\\01\\00\\00\\00'],
  ['a discriminant in memory', t.func([], t.variant({ a: t.u8, b: null })), 16, '\\02\\00'],
  ['an option neither none nor some', t.func([], t.option(t.string)), 16, '\\02'],
  ['a result neither ok nor err', t.func([], t.result(t.u32, t.string)), 16, '\\ff'],
]

test.each(lists)('traps on %s', (_, type, pointer, data) => {
  expectTrap(returning(pointer, data, 16), 'go', type)
})

test.each<[string, FunctionType, number]>([
  ['an enum', t.func([], t.enumeration('a', 'b')), 2],
  ['a result of nothing', t.func([], t.result(null, null)), -1],
  ['a char that is a surrogate', t.func([], t.char), 0xd800],
  ['a char past the last', t.func([], t.char), 0x11_0000],
])('traps on %s out of range', (_, type, value) => {
  expectTrap(returning(value, '', 0), 'go', type)
})

test('values within range pass where those above trap', () => {
  expect(returning(1, '', 0).call('go', t.func([], t.enumeration('a', 'b')))).toBe('b')
  expect(returning(16, '\\18\\00\\00\\00\\02\\00\\00\\00\\c3\\a4').call('go', t.func([], t.string))).toBe('ä')
  expect(returning(16, '\\00\\00\\00\\00\\00\\00\\00\\00').call('go', t.func([], scalars))).toEqual([])
})

test('traps before the host allocates when strings together pass the limit', () => {
  // A list of 1100 strings that all are the same 64 KiB.
  const count = 1100
  const guest = instantiateText(`(module ${allocator}
    (func (export "go") (result i32)
      (local $at i32) (local $index i32)
      (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const ${8 * count + 8})))
      (i32.store (local.get $at) (i32.add (local.get $at) (i32.const 8)))
      (i32.store offset=4 (local.get $at) (i32.const ${count}))
      (loop $next
        (i32.store offset=12
          (i32.add (local.get $at) (i32.mul (local.get $index) (i32.const 8))) (i32.const 65536))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $index) (i32.const ${count}))))
      (local.get $at)))`)
  expectTrap(guest, 'go', t.func([], t.list(t.string)))
})

test('a host that returns too much traps the call', () => {
  const fill = t.func([], t.bytes)
  const guest = instantiateText(
    `(module (import "host" "fill" (func $fill (param i32))) ${allocator}
      (func (export "go") (call $fill (i32.const 16))))`,
    { fill: [fill, () => new Uint8Array(maxCallBytes + 1)] },
  )
  expectTrap(guest, 'go', t.func([]))
})

test.each([
  ['out of bounds', '(i32.const 65535)'],
  ['unaligned', '(i32.const 2)'],
  ['trapping', '(unreachable)'],
])('traps on an allocator that is %s', (_, body) => {
  const guest = instantiateText(`(module (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) ${body})
    (func (export "go") (param i32 i32)))`)
  expectTrap(guest, 'go', t.func([t.list(t.u32)]), [1, 2])
})

test('traps on a missing allocator', () => {
  const guest = instantiateText('(module (memory (export "memory") 1) (func (export "go") (param i32 i32)))')
  expectTrap(guest, 'go', t.func([t.string]), 'x')
})

test('traps on a return pointer out of bounds, before the host function runs', () => {
  const host = vi.fn(() => 'text')
  const guest = instantiateText(
    `(module (import "host" "read" (func $read (param i32))) ${allocator}
      (func (export "go") (call $read (i32.const -8))))`,
    { read: [t.func([], t.string), host] },
  )
  expectTrap(guest, 'go', t.func([]))
  expect(host).not.toHaveBeenCalled()
})

test('traps on an export of another signature', () => {
  const guest = instantiateText(`(module ${allocator} (func (export "go") (param i64)))`)
  expectTrap(guest, 'go', t.func([t.u32]), 1)
})

test('traps on unreachable and on endless recursion', () => {
  expectTrap(instantiateText(`(module ${allocator} (func (export "go") unreachable))`), 'go', t.func([]))
  expectTrap(instantiateText(`(module ${allocator} (func $go (export "go") (call $go)))`), 'go', t.func([]))
})

test('recursion that runs out of stack inside a host function is the guest’s fault', () => {
  const guest = instantiateText(
    `(module (import "host" "note" (func $note (param i32 i32))) ${allocator}
      (func $go (export "go") (call $note (i32.const 0) (i32.const 5)) (call $go)))`,
    { note: [t.func([t.string]), () => undefined] },
  )
  expectTrap(guest, 'go', t.func([]))
})

test('a guest cannot be entered from its own host call', () => {
  const type = t.func([])
  const guest: CoreGuest = instantiateText(
    `(module (import "host" "back" (func $back)) ${allocator} (func (export "go") (call $back)))`,
    { back: [type, () => guest.call('go', type)] },
  )
  expectTrap(guest, 'go', type)
})

test.each([
  ['allocating', 'cabi_realloc', '(param i32 i32 i32 i32) (result i32)', '(i32.const 16)'],
  ['cleaning up', 'cabi_post_go', '(param i32)', ''],
])('a guest cannot call the host while %s', (_, name, signature, value) => {
  const host = vi.fn()
  const other =
    name === 'cabi_realloc'
      ? ''
      : '(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))'
  const guest = instantiateText(
    `(module (import "host" "out" (func $out)) (memory (export "memory") 1) ${other}
      (func (export "${name}") ${signature} (call $out) ${value})
      (func (export "go") (param i32 i32) (result i32) (i32.const 16)))`,
    { out: [t.func([]), host] },
  )
  expectTrap(guest, 'go', t.func([t.string], t.string), 'x')
  expect(host).not.toHaveBeenCalled()
})

test('a guest that catches what a host function threw is dead all the same', () => {
  const host = vi.fn(() => {
    throw new PaddockError('sandbox.deadline', 'too late')
  })
  const guest = instantiateText(
    `(module (import "host" "out" (func $out)) ${allocator}
      (func (export "go") (try (do (call $out)) (catch_all)) (try (do (call $out)) (catch_all))))`,
    { out: [t.func([]), host] },
  )
  expect(codeOf(() => guest.call('go', t.func([])))).toBe('sandbox.deadline')
  expect(host).toHaveBeenCalledTimes(1)
  expect(codeOf(() => guest.call('go', t.func([])))).toBe('sandbox.trap')
})

test('a host function that fails by its own fault is told apart from a trap', () => {
  const text = `(module (import "host" "out" (func $out)) ${allocator} (func (export "go") (call $out)))`
  const failing = instantiateText(text, {
    out: [
      t.func([]),
      () => {
        throw new Error('lost')
      },
    ],
  })
  expect(codeOf(() => failing.call('go', t.func([])))).toBe('internal.bug')
  expect(codeOf(() => failing.call('go', t.func([])))).toBe('sandbox.trap')
})

test.each<[string, FunctionType, unknown]>([
  ['a number for a u64', t.func([t.u64]), 5],
  ['256 for a u8', t.func([t.u8]), 256],
  ['an unknown case', t.func([t.enumeration('a')]), 'b'],
  ['a lone surrogate as char', t.func([t.char]), '\ud800'],
  ['null for a record', t.func([t.record({ a: t.u8 })]), null],
])('the host’s own mistake, %s, is no trap', (_, type, value) => {
  const flat = type.params[0]?.kind === 'u64' ? 'i64' : 'i32'
  const guest = instantiateText(`(module ${allocator} (func (export "go") (param ${flat})))`)
  expect(codeOf(() => guest.call('go', type, value))).toBe('internal.bug')
})

interface Thing {
  readonly label: string
}

/** A guest with the functions of a resource, one per line of misuse. */
function resourceGuest(body: string, signature = '(param i32)') {
  const released: string[] = []
  const thing = new t.ResourceKind<Thing>('thing', ({ label }) => {
    released.push(label)
  })
  const other = new t.ResourceKind<Thing>('other')
  const guest = new Guest()
  const memory = new GuestMemory(guest)
  const drop = dropFunction(thing as unknown as t.ResourceKind, memory)
  const label = hostFunction(t.func([t.borrow(thing)], t.u32), (object: Thing) => object.label.length, memory)
  const take = hostFunction(t.func([t.own(thing)]), () => undefined, memory)
  const both = hostFunction(t.func([t.borrow(thing), t.own(thing)]), () => undefined, memory)
  const make = hostFunction(t.func([], t.own(other)), () => ({ label: 'other' }), memory)
  const made = instantiateText(
    `(module
      (import "host" "drop" (func $drop (param i32)))
      (import "host" "label" (func $label (param i32) (result i32)))
      (import "host" "take" (func $take (param i32)))
      (import "host" "both" (func $both (param i32 i32)))
      (import "host" "make" (func $make (result i32)))
      ${allocator}
      (func (export "go") ${signature} ${body}))`,
    { drop, label, take, both, make },
  )
  memory.attach(made.instance.exports['memory'] as WebAssembly.Memory, undefined)
  return { guest, memory, core: made.instance.exports['go'] as never, released, thing }
}

function callGo(made: ReturnType<typeof resourceGuest>, type: FunctionType, object: Thing): unknown {
  return guestFunction(type, made.core, undefined, made.memory)(object)
}

test.each<[string, 'own' | 'borrow', string]>([
  ['drops a handle twice', 'own', '(call $drop (local.get 0)) (call $drop (local.get 0))'],
  ['uses a handle it handed over', 'own', '(call $take (local.get 0)) (drop (call $label (local.get 0)))'],
  ['hands a handle over twice', 'own', '(call $take (local.get 0)) (call $take (local.get 0))'],
  ['hands over what it was only lent', 'borrow', '(call $take (local.get 0))'],
  ['keeps what it was lent', 'borrow', ''],
  ['lends and hands over one handle in one call', 'own', '(call $both (local.get 0) (local.get 0))'],
  ['uses a handle of another kind', 'own', '(call $drop (local.get 0)) (drop (call $label (call $make)))'],
  ['makes a handle up', 'own', '(drop (call $label (i32.const 77)))'],
  ['uses handle 0', 'own', '(call $drop (i32.const 0))'],
])('traps when a guest %s', (_, kind, body) => {
  const made = resourceGuest(body)
  const type = t.func([kind === 'own' ? t.own(made.thing) : t.borrow(made.thing)])
  expect(codeOf(() => callGo(made, type, { label: 'one' }))).toBe('sandbox.trap')
})

test('well used handles work, and owned objects are released once', () => {
  const lent = resourceGuest('(drop (call $label (local.get 0))) (call $drop (local.get 0))')
  callGo(lent, t.func([t.borrow(lent.thing)]), { label: 'one' })
  expect(lent.released).toEqual([])
  expect(lent.guest.handles.size).toBe(0)

  const owned = resourceGuest('(drop (call $label (local.get 0))) (call $drop (local.get 0))')
  for (let round = 0; round < 3; round += 1)
    callGo(owned, t.func([t.own(owned.thing)]), { label: `${round}` })
  expect(owned.released).toEqual(['0', '1', '2'])
  expect(owned.guest.handles.size).toBe(0)

  const kept = resourceGuest('')
  callGo(kept, t.func([t.own(kept.thing)]), { label: 'kept' })
  expect(kept.guest.handles.size).toBe(1)
  expect(kept.guest.handles.releaseAll()).toBe(1)
  expect(kept.released).toEqual(['kept'])
})
