/** Whole components, bound: those the guest kit builds, compiled ones, and hostile ones. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { expect, test } from 'vitest'
import wabt from 'wabt'
import { PaddockError } from '../../shared/errors.ts'
import * as eventModule from '../contracts/event-module/interfaces.ts'
import { bindComponent } from './bind-component.ts'
import { codecOf } from './codec.ts'
import { transpileComponent } from './component.testing.ts'
import { allocator } from './core-guest.testing.ts'
import { callGuest } from './fuel-tank.ts'
import * as t from './types.ts'
import type { HostInterface, ValueOf } from './types.ts'

const repository = resolve(import.meta.dirname, '../../..')

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PaddockError) return error.code
    throw error
  }
  return 'no error'
}

/** The interfaces the example modules import, kept in memory. */
function exampleHosts(lines: string[], store: Map<string, Uint8Array>): HostInterface[] {
  return [
    t.implement(eventModule.loggingInterface, {
      log: (level, message) => void lines.push(`${level} ${message}`),
    }),
    t.implement(eventModule.clockInterface, { nowMs: () => 1_700_000_000_000n, monotonicNs: () => 5n }),
    t.implement(eventModule.localStoreInterface, {
      get: (key) => t.ok(store.get(key)),
      set(key, value) {
        store.set(key, value)
        return t.ok()
      },
      delete(key) {
        store.delete(key)
        return t.ok()
      },
      listKeys: (prefix) => t.ok([...store.keys()].filter((key) => key.startsWith(prefix))),
    }),
    t.implement(eventModule.chainInterface, {
      request: () =>
        t.err({
          domain: 'chain',
          kind: { tag: 'unavailable' as const },
          code: -32603,
          message: 'offline',
          data: undefined,
        }),
      requestBatch: (_chainId, requests) => t.ok(requests.map(() => t.ok('"0xde0b6b3a7640000"'))),
    }),
  ]
}

test('a module built by the guest kit runs on it, its runtime’s own init unreached', async () => {
  const component = await readFile(resolve(repository, 'modules/balance-watch/module.wasm'))
  const lines: string[] = []
  const store = new Map<string, Uint8Array>()
  const bound = bindComponent({
    ...(await transpileComponent(component)),
    otherImports: {},
    hosts: exampleHosts(lines, store),
    exports: eventModule.eventModuleExports,
  })
  expect(bound).toMatchObject({ direct: true, indirect: [] })
  const address = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
  expect(bound.exports.init([['addresses', `["${address}"]`]])).toEqual({ tag: 'ok' })
  expect(lines).toEqual(['info watching 1 addresses'])
  const block = { chainId: 31_337n, number: 7n, hash: new Uint8Array(32), timestamp: 1n }
  expect(bound.exports['on-event']({ tag: 'block', val: block })).toEqual({ tag: 'ok' })
  const saved = JSON.parse(new TextDecoder().decode(store.get(`balance/${address}`))) as unknown
  expect(saved).toEqual({ wei: '1000000000000000000', block: 7 })
}, 30_000)

const echoWit = await (async () => {
  const types = await readFile(resolve(repository, 'resources/wit/nexum-host/types.wit'), 'utf8')
  // One file may hold one package only without nesting; the types are the contract's own text.
  const body = types.slice(types.indexOf('interface types'))
  return `package nexum:host@0.2.7;\n${body}
    interface back { use types.{event, host-error}; echo: func(event: event) -> result<event, host-error>; }
    world probe { use types.{event, host-error}; import back; export echo: func(event: event) -> result<event, host-error>; }`
})()

/** A compiled guest that hands an event to the host and the answer back. */
async function echoComponent(): Promise<Uint8Array> {
  const { size } = codecOf(t.result(eventModule.eventType, eventModule.hostErrorType).shape)
  const { flat } = codecOf(eventModule.eventType.shape)
  const params = flat.map((kind) => `(param ${kind})`).join(' ')
  const tools = await wabt()
  const parsed = tools.parseWat(
    'echo.wat',
    `(module
      (import "nexum:host/back@0.2.7" "echo" (func $echo ${params} (param i32)))
      ${allocator}
      (func (export "echo") ${params} (result i32) (local $out i32)
        (local.set $out (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const ${size})))
        (call $echo ${flat.map((_, index) => `(local.get ${index})`).join(' ')} (local.get $out))
        (local.get $out)))`,
  )
  const core = parsed.toBinary({}).buffer
  return componentNew(await componentEmbed({ binary: core, witSource: echoWit, world: 'probe' }))
}

const events: ValueOf<typeof eventModule.eventType>[] = [
  {
    tag: 'block',
    val: { chainId: 2n ** 64n - 1n, number: 1n, hash: new Uint8Array(32).fill(9), timestamp: 2n },
  },
  {
    tag: 'logs',
    val: [
      {
        chainId: 1n,
        address: new Uint8Array(20).fill(1),
        topics: [new Uint8Array(32).fill(2), new Uint8Array(0)],
        data: Uint8Array.of(1, 2, 3),
        blockNumber: 5n,
        transactionHash: new Uint8Array(32).fill(3),
        logIndex: 0xffff_ffff,
      },
    ],
  },
  { tag: 'tick', val: { firedAt: 12n } },
  {
    tag: 'message',
    val: {
      contentTopic: '/a/1/ä😀/json',
      payload: new Uint8Array(70_000).fill(4),
      timestamp: 8n,
      sender: undefined,
    },
  },
  {
    tag: 'message',
    val: { contentTopic: '', payload: new Uint8Array(0), timestamp: 0n, sender: Uint8Array.of(7) },
  },
]
const refusal = {
  domain: 'x',
  kind: { tag: 'rate-limited' as const },
  code: -32603,
  message: 'no',
  data: '"0x08c379a0"',
}
const answerType = t.result(eventModule.eventType, eventModule.hostErrorType)
const echoType = t.func([eventModule.eventType], answerType)

test('values cross as the generated glue moves them', async () => {
  const transpiled = await transpileComponent(await echoComponent())
  let seen: unknown
  let refuse = false
  // The import goes through the glue, the export through the binder: each reads what the other wrote.
  const back = {
    echo(event: unknown) {
      seen = event
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- how the glue wants the error side
      if (refuse) throw { payload: refusal }
      return event
    },
  }
  const options = {
    ...transpiled,
    otherImports: { 'nexum:host/back': back },
    hosts: [],
    exports: { echo: echoType },
  }
  const bound = bindComponent(options)
  expect(bound.direct).toBe(true)
  for (const event of events) {
    expect(bound.exports.echo(event)).toEqual({ tag: 'ok', val: event })
    expect(seen).toEqual(event)
  }
  refuse = true
  expect(bound.exports.echo({ tag: 'tick', val: { firedAt: 1n } })).toEqual({ tag: 'err', val: refusal })
})

test('an import of a compatible version is bound, an answer of the error side is a value', async () => {
  const seen: unknown[] = []
  const back = t.interfaceType('nexum:host/back@0.2.0', { echo: echoType })
  const bound = bindComponent({
    ...(await transpileComponent(await echoComponent())),
    otherImports: {},
    hosts: [
      t.implement(back, {
        echo(event) {
          seen.push(event)
          if (event.tag === 'tick') return t.err(refusal)
          return t.ok(event)
        },
      }),
    ],
    exports: { echo: echoType },
  })
  expect(bound).toMatchObject({ direct: true, indirect: [] })
  for (const event of events) {
    const expected = event.tag === 'tick' ? { tag: 'err', val: refusal } : { tag: 'ok', val: event }
    expect(bound.exports.echo(event)).toEqual(expected)
  }
  expect(seen).toEqual(events)
})

const hostClock = t.implement(eventModule.clockInterface, { nowMs: () => 1000n, monotonicNs: () => 0n })

/** A component of core modules written by hand. */
async function handWritten(text: string) {
  return transpileComponent(await parse(text))
}

test('a core import that only looks like the host’s is not given what the component does not import', async () => {
  const bound = bindComponent({
    ...(await handWritten(`(component
      (core module $inner (func (export "now-ms") (result i64) (i64.const 7)))
      (core module $main (import "nexum:host/clock@0.2.0" "now-ms" (func $now (result i64)))
        (func (export "go") (result i64) (call $now)))
      (core instance $fake (instantiate $inner))
      (core instance $main (instantiate $main (with "nexum:host/clock@0.2.0" (instance $fake))))
      (func (export "go") (result u64) (canon lift (core func $main "go"))))`)),
    otherImports: {},
    hosts: [hostClock],
    exports: { go: t.func([], t.u64) },
  })
  expect(bound.exports.go()).toBe(7n)
})

const twoCandidates = `(component
  (core module $a (func (export "go") (result i64) (i64.const 1)))
  (core module $b (import "a" "go" (func $go (result i64)))
    (func (export "go") (result i64) (i64.add (call $go) (i64.const 1))))
  (core instance $a (instantiate $a))
  (core instance $b (instantiate $b (with "a" (instance $a))))
  (func (export "go") (result u64) (canon lift (core func $b "go"))))`

test('where two core exports could be meant, the generated glue decides', async () => {
  const bound = bindComponent({
    ...(await handWritten(twoCandidates)),
    otherImports: {},
    hosts: [],
    exports: { go: t.func([], t.u64) },
  })
  expect(bound.direct).toBe(false)
  expect(bound.indirect).toHaveLength(1)
  expect(bound.exports.go()).toBe(2n)
})

test('a missing import and a missing export fail the instantiation', async () => {
  const transpiled = await transpileComponent(await echoComponent())
  const options = { ...transpiled, otherImports: {}, hosts: [], exports: {} }
  expect(codeOf(() => bindComponent(options))).toBe('sandbox.instantiate_failed')
  const none = {
    ...options,
    otherImports: { 'nexum:host/back': { echo: () => 0 } },
    exports: { other: echoType },
  }
  expect(codeOf(() => bindComponent(none))).toBe('sandbox.instantiate_failed')
})

const metered = `(component
  (core module $main
    (memory (export "memory") 1)
    (global $fuel (export "paddock:fuel") (mut i64) (i64.const 0))
    (func (export "go") (param $turns i32) (result i64)
      (loop $again
        (global.set $fuel (i64.sub (global.get $fuel) (i64.const 10)))
        (if (i64.lt_s (global.get $fuel) (i64.const 0)) (then unreachable))
        (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
        (br_if $again (i32.gt_s (local.get $turns) (i32.const 0))))
      (if (i32.eq (local.get $turns) (i32.const -5)) (then unreachable))
      (i64.const 0)))
  (core instance $main (instantiate $main))
  (func (export "go") (param "turns" s32) (result u64) (canon lift (core func $main "go"))))`

test('fuel: the budget is set, what was used is known, and running out is told apart from a trap', async () => {
  const transpiled = await handWritten(metered)
  const bind = () =>
    bindComponent({ ...transpiled, otherImports: {}, hosts: [], exports: { go: t.func([t.s32], t.u64) } })
  const { tank, exports } = bind()
  expect(tank.metered).toBe(true)
  expect(callGuest(tank, 1000n, () => exports.go(7))).toEqual({ value: 0n, fuel: 70n })
  expect(callGuest(tank, 1000n, () => exports.go(100))).toEqual({ value: 0n, fuel: 1000n })
  expect(codeOf(() => callGuest(tank, 1000n, () => exports.go(101)))).toBe('sandbox.out_of_fuel')
  expect(tank.used()).toBe(1010n)
  const other = bind()
  expect(codeOf(() => callGuest(other.tank, 1000n, () => other.exports.go(-4)))).toBe('sandbox.trap')
  expect(other.tank.used()).toBe(10n)
})

test('an unmetered component has no fuel to tell', async () => {
  const transpiled = await handWritten(twoCandidates)
  const bound = bindComponent({
    ...transpiled,
    otherImports: {},
    hosts: [],
    exports: { go: t.func([], t.u64) },
  })
  expect(callGuest(bound.tank, 10n, () => bound.exports.go())).toEqual({ value: 2n, fuel: undefined })
})
