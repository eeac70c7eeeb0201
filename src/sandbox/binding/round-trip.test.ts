/** Every type of the contracts, and of the component model besides, there and back through real core modules. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as eventModule from '../contracts/event-module/interfaces.ts'
import { echoText, instantiateText } from './core-guest.testing.ts'
import * as t from './types.ts'
import type { Shape, WitType } from './types.ts'

/** Values of a type, over its whole range. */
function arbitrary(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'bool':
      return fc.boolean()
    case 'u8':
      return fc.integer({ min: 0, max: 0xff })
    case 's8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'u16':
      return fc.integer({ min: 0, max: 0xffff })
    case 's16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'u32':
      return fc.integer({ min: 0, max: 0xffff_ffff })
    case 's32':
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
    case 'u64':
      return fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })
    case 's64':
      return fc.bigInt({ min: -0x8000_0000_0000_0000n, max: 0x7fff_ffff_ffff_ffffn })
    case 'f32':
      return fc.float()
    case 'f64':
      return fc.double()
    case 'char':
      return fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
    case 'string':
      return fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ maxLength: 30 }))
    case 'bytes':
      return fc.uint8Array({ maxLength: 200 })
    case 'list':
      return fc.array(arbitrary(shape.element), { maxLength: 5 })
    case 'option':
      return fc.option(arbitrary(shape.element), { nil: undefined })
    case 'record':
      return fc.record(Object.fromEntries(shape.fields.map((field) => [field.key, arbitrary(field.shape)])), {
        noNullPrototype: true,
      })
    case 'tuple':
      return fc.tuple(...shape.elements.map(arbitrary))
    case 'variant':
      return fc.oneof(
        ...shape.cases.map(({ tag, shape: payload }) =>
          fc.record(
            {
              tag: fc.constant(tag),
              val: payload === undefined ? fc.constant(undefined) : arbitrary(payload),
            },
            { noNullPrototype: true },
          ),
        ),
      )
    case 'enum':
      return fc.constantFrom(...shape.labels)
    case 'flags':
      return fc.record(Object.fromEntries(shape.labels.map((label) => [label, fc.boolean()])), {
        noNullPrototype: true,
      })
    default:
      throw new TypeError(`no values of ${shape.kind}`)
  }
}

const numbers = t.record({
  a: t.u8, b: t.s8, c: t.u16, d: t.s16, e: t.u32, f: t.s32, g: t.u64, h: t.s64, i: t.f32, j: t.f64, k: t.bool, l: t.char,
}) // prettier-ignore
const manyFlags = Array.from({ length: 17 }, (_, index) => `flag${index}`)
const manyCases = Object.fromEntries(
  Array.from({ length: 300 }, (_, index) => [`case-${index}`, index % 2 ? t.u64 : null]),
)

const types: Record<string, WitType<unknown>> = {
  bool: t.bool, u8: t.u8, s8: t.s8, u16: t.u16, s16: t.s16, u32: t.u32, s32: t.s32, u64: t.u64, s64: t.s64,
  f32: t.f32, f64: t.f64, char: t.char, string: t.string, bytes: t.bytes,
  numbers,
  'more than 16 core values': t.tuple(numbers, numbers),
  'few flags': t.flags('x', 'y'),
  'many flags': t.flags(...manyFlags),
  'all flags': t.flags(...Array.from({ length: 32 }, (_, index) => `flag${index}`)),
  'more than 256 cases': t.variant(manyCases),
  'joined f32 and i32': t.variant({ a: t.f32, b: t.s32, c: null }),
  'joined f64 and string': t.variant({ a: t.f64, b: t.string, c: t.f32, d: t.s64 }),
  'joined within records': t.variant({ a: t.tuple(t.f32, t.f64), b: t.tuple(t.u64, t.u32), c: t.tuple(t.s8, t.f32) }),
  'result of nothing': t.result(null, null),
  'result of either': t.result(t.u64, t.f32),
  'list of lists': t.list(t.list(t.option(t.tuple(t.u8, t.u64)))),
  block: eventModule.blockType,
  log: eventModule.logType,
  message: eventModule.messageType,
  event: eventModule.eventType,
  config: eventModule.configType,
  'host-error': eventModule.hostErrorType,
  'http request': eventModule.httpRequestType,
  'http response': eventModule.httpResponseType,
  level: eventModule.logLevelType,
  // The shapes of the other contracts: flows, deciders, tools, SQL actors.
  'output element': t.record({ sequence: t.u64, time: t.u64, type: t.string, payload: t.bytes }),
  'process result': t.result(t.variant({ emit: t.bytes, drop: null }), t.variant({ 'invalid-input': t.string, fatal: t.string })),
  'tool response': t.record({ output: t.option(t.string), error: t.option(t.string) }),
  'sql value': t.variant({ null: null, integer: t.s64, real: t.f64, text: t.string, blob: t.bytes }),
  'sql rows': t.list(t.list(t.variant({ null: null, integer: t.s64, real: t.f64, text: t.string, blob: t.bytes }))),
} // prettier-ignore

test.each(Object.entries(types))('%s', (_, type) => {
  const echo = t.func([type], type)
  const text = echoText(echo)
  let seen: unknown
  const guest = instantiateText(text, {
    echo: [
      echo,
      (value: unknown) => {
        seen = value
        return value
      },
    ],
  })
  fc.assert(
    fc.property(arbitrary(type.shape), (value) => {
      const returned = guest.call('echo', echo, value)
      expect(seen).toStrictEqual(value)
      expect(returned).toStrictEqual(value)
    }),
    { numRuns: 60 },
  )
})

const hostFunctions = [
  eventModule.chainInterface,
  eventModule.localStoreInterface,
  eventModule.loggingInterface,
  eventModule.clockInterface,
  eventModule.randomInterface,
  eventModule.identityInterface,
  eventModule.httpInterface,
  eventModule.messagingInterface,
  eventModule.remoteStoreInterface,
  eventModule.cowApiInterface,
  { name: 'event-module', functions: eventModule.eventModuleExports },
  { name: 'query-module', functions: eventModule.queryModuleExports },
].flatMap(({ name, functions }) =>
  Object.entries(functions).map(([key, type]) => [`${name}#${key}`, type] as const),
)

test.each(hostFunctions)('%s: all parameters and the result', (_, type: t.FunctionType) => {
  let seen: unknown[] = []
  let answer: unknown
  const signature = type.result === undefined ? { ...type, result: t.bool.shape } : type
  const guest = instantiateText(echoText(signature), {
    echo: [
      signature,
      (...values: unknown[]) => {
        seen = values
        return answer
      },
    ],
  })
  const params = fc.tuple(...signature.params.map(arbitrary))
  fc.assert(
    fc.property(params, arbitrary(signature.result ?? t.bool.shape), (values, result) => {
      answer = result
      const returned = guest.call('echo', signature, ...values)
      expect(seen).toStrictEqual(values)
      expect(returned).toStrictEqual(result)
    }),
    { numRuns: 40 },
  )
})
