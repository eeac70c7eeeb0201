import { expect, test } from 'vitest'
import { firstMismatch, functionMismatch } from './compare.ts'
import type { CaseShape, FunctionShape, InterfaceShape, TypeShape } from './world.ts'

const u8 = { kind: 'u8' } as const
const text = { kind: 'string' } as const

function eventOf(cases: CaseShape[]): TypeShape {
  return { kind: 'variant', name: 'nexum:host/types#event', cases }
}

function types(
  types: Record<string, TypeShape>,
  functions: Record<string, FunctionShape> = {},
): InterfaceShape {
  return { name: 'nexum:host/types@0.2.0', types, functions }
}

const logs: CaseShape = { name: 'logs', type: { kind: 'list', element: u8 } }
const base = types(
  { event: eventOf([{ name: 'block', type: u8 }, logs]), other: text },
  { go: { async: false, params: [{ name: 'a', type: u8 }], result: { kind: 'option', value: text } } },
)

test('equal structure agrees, whatever the patch version', () => {
  expect(firstMismatch(base, { ...base, name: 'nexum:host/types@0.2.9' })).toBeUndefined()
})

test('a component may use less than is offered', () => {
  expect(firstMismatch(base, types({ other: text }))).toBeUndefined()
})

test('a renamed case is named by the path of its declared type', () => {
  const renamed = types({
    event: eventOf([
      { name: 'block', type: u8 },
      { ...logs, name: 'chain-logs' },
    ]),
  })
  expect(firstMismatch(base, renamed)).toBe("nexum:host/types#event case 'logs' against 'chain-logs'")
})

test('a further case is named', () => {
  const more = types({ event: eventOf([{ name: 'block', type: u8 }, logs, { name: 'intent' }]) })
  expect(firstMismatch(base, more)).toBe("nexum:host/types#event case 'intent'")
})

test('a difference within a case is found below it', () => {
  const other = types({ event: eventOf([{ name: 'block', type: text }, logs]) })
  expect(firstMismatch(base, other)).toBe("nexum:host/types#event case 'block'")
})

test('a type that is not offered is named', () => {
  expect(firstMismatch(base, types({ fault: u8 }))).toBe('nexum:host/types#fault')
  expect(firstMismatch(base, types({ constructor: u8 }))).toBe('nexum:host/types#constructor')
})

test.each<[string, FunctionShape, string]>([
  ['an unknown function', { async: false, params: [] }, 'nexum:host/types#stop'],
])('%s is named', (_, shape, path) => {
  expect(firstMismatch(base, types({}, { stop: shape }))).toBe(path)
})

const go: FunctionShape = {
  async: false,
  params: [{ name: 'a', type: u8 }],
  result: { kind: 'option', value: text },
}
test.each<[string, FunctionShape, string | undefined]>([
  ['the same', go, undefined],
  ['async', { ...go, async: true }, 'go'],
  ['another name', { ...go, params: [{ name: 'b', type: u8 }] }, "go parameter 'a' against 'b'"],
  ['another type', { ...go, params: [{ name: 'a', type: text }] }, "go parameter 'a'"],
  ['one more', { ...go, params: [...go.params, { name: 'b', type: u8 }] }, "go parameter 'b'"],
  ['no result', { async: false, params: go.params }, 'go result'],
  ['another result', { ...go, result: { kind: 'option', value: u8 } }, 'go result value'],
  ['another kind of result', { ...go, result: { kind: 'list', element: text } }, 'go result'],
])('a function with %s', (_, actual, path) => {
  expect(functionMismatch('go', go, actual)).toBe(path)
})

test.each<[TypeShape, TypeShape]>([
  [
    { kind: 'enum', cases: ['a', 'b'] },
    { kind: 'enum', cases: ['b', 'a'] },
  ],
  [
    { kind: 'flags', flags: ['a'] },
    { kind: 'flags', flags: ['a', 'b'] },
  ],
  [
    { kind: 'variant', cases: [{ name: 'a' }] },
    { kind: 'enum', cases: ['a'] },
  ],
  [
    { kind: 'tuple', elements: [u8, u8] },
    { kind: 'tuple', elements: [u8, text] },
  ],
  [
    { kind: 'tuple', elements: [u8, u8] },
    { kind: 'tuple', elements: [u8] },
  ],
  [
    { kind: 'result', ok: u8 },
    { kind: 'result', err: u8 },
  ],
  [
    { kind: 'own', resource: 'a:b/c#r' },
    { kind: 'borrow', resource: 'a:b/c#r' },
  ],
  [
    { kind: 'own', resource: 'a:b/c#r' },
    { kind: 'own', resource: 'a:b/c#s' },
  ],
  [
    { kind: 'list', element: u8 },
    { kind: 'list', element: u8, length: 4 },
  ],
  [{ kind: 's8' }, u8],
])('%j differs from %j, both ways, and agrees with itself', (a, b) => {
  expect(firstMismatch(types({ t: a }), types({ t: b }))).toMatch(/^nexum:host\/types#t/)
  expect(firstMismatch(types({ t: b }), types({ t: a }))).toMatch(/^nexum:host\/types#t/)
  expect(firstMismatch(types({ t: a }), types({ t: structuredClone(a) }))).toBeUndefined()
})
