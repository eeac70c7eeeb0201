import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import vm from 'node:vm'
import { parse, print } from '@bytecodealliance/jco-transpile/wasm-tools'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildFixtures, fixturesFolder } from '../fixtures/build-fixtures.mjs'
import {
  RuntimeError,
  block,
  instantiate,
  plainHost,
  surfaceOf,
  thrownBy,
  tick,
} from '../fixtures/plain-host.ts'
import type { Guest } from '../fixtures/plain-host.ts'

const fixture = (name: string) => join(fixturesFolder, `${name}.wasm`)

async function start(name: string, config: [string, string][] = []) {
  const host = plainHost()
  const guest = await instantiate(fixture(name), host)
  guest['init']!(config)
  return { host, guest, onEvent: guest['onEvent']! }
}

function callWithin(milliseconds: number, guest: Guest, name: string, value: unknown): void {
  const context = vm.createContext({ call: () => guest[name]!(value) })
  vm.runInContext('call()', context, { timeout: milliseconds })
}

beforeAll(async () => {
  await buildFixtures()
})

describe('compiled fixtures', () => {
  it('are left alone when nothing changed', async () => {
    const lines: string[] = []
    const paths = await buildFixtures({ log: (line) => lines.push(line) })
    expect(lines).toEqual([`fixtures: 0 of ${Object.keys(paths).length} built`])
  })

  it('are all described', async () => {
    const readme = await readFile(join(import.meta.dirname, '../fixtures/guests/README.md'), 'utf8')
    const named = [...readme.matchAll(/^\| `([a-z-]+)` +\|/gm)].map((match) => match[1])
    expect(named.sort()).toEqual(Object.keys(await buildFixtures()).sort())
  })

  it('echo stores what came in', async () => {
    const { host, onEvent } = await start('echo')
    onEvent(block(12))
    expect(Object.fromEntries(host.store)).toEqual({
      'echo/kind': '0',
      'echo/number': '12',
      'echo/timestamp': '1767225600000',
    })
    onEvent(tick)
    expect(host.store.get('echo/kind')).toBe('2')
    expect(host.logs).toEqual(['info echo', 'info echo'])
  })

  it('counter counts each block by its number', async () => {
    const { host, onEvent } = await start('counter')
    for (const number of [1, 2, 2, 13]) onEvent(block(number))
    onEvent(tick)
    expect(Object.fromEntries(host.store)).toEqual({
      'count/0': '4',
      'count/2': '1',
      'block/1': '1',
      'block/2': '2',
      'block/13': '1',
    })
  })

  it('counter survives more events than its memory would hold if it leaked', async () => {
    const { host, onEvent } = await start('counter')
    for (let number = 0; number < 20_000; number += 1) onEvent(block(number))
    expect(host.store.get('count/0')).toBe('20000')
  })

  it('trap traps on the chosen blocks only, always without config', async () => {
    const { host, onEvent } = await start('trap', [['every', '3']])
    onEvent(block(4))
    expect(host.store.get('trap/touched')).toBe('4')
    expect(thrownBy(() => onEvent(block(6)))).toBeInstanceOf(RuntimeError)
    const always = await start('trap')
    expect(thrownBy(() => always.onEvent(block(1)))).toBeInstanceOf(RuntimeError)
  })

  it('trap-init traps in init', async () => {
    const guest = await instantiate(fixture('trap-init'), plainHost())
    expect(thrownBy(() => guest['init']!([]))).toBeInstanceOf(RuntimeError)
  })

  it('endless-loop and endless-init never return', async () => {
    const { guest } = await start('endless-loop')
    const looping = thrownBy(() => callWithin(200, guest, 'onEvent', block(1)))
    expect(looping).toMatchObject({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })
    const stuck = await instantiate(fixture('endless-init'), plainHost())
    const starting = thrownBy(() => callWithin(200, stuck, 'init', []))
    expect(starting).toMatchObject({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })
  })

  it('memory-hog grows to the limit and traps', async () => {
    let limits = 0
    const guest = await instantiate(fixture('memory-hog'), plainHost(), async (core) => {
      const text = await print(core)
      if (!text.includes('(memory (;0;) 1)')) return core
      limits += 1
      return parse(text.replace('(memory (;0;) 1)', '(memory (;0;) 1 129)'))
    })
    expect(limits).toBe(1)
    guest['init']!([])
    const error = thrownBy(() => guest['onEvent']!(block(1)))
    expect(error).toBeInstanceOf(RuntimeError)
    expect((error as Error).message).toContain('unreachable')
  })

  it('deep-recursion uses up the stack', async () => {
    const { onEvent } = await start('deep-recursion')
    expect(thrownBy(() => onEvent(block(1)))).toBeInstanceOf(RangeError)
  })

  it('host-error, init-rejected and init-unavailable answer err records', async () => {
    const { host, onEvent } = await start('host-error')
    expect(thrownBy(() => onEvent(block(1)))).toEqual({
      domain: 'fixture',
      kind: { tag: 'unavailable' },
      code: 7,
      message: 'no luck',
      data: '{"from":"fixture"}',
    })
    expect(host.store.get('host-error/touched')).toBe('1')
    const rejected = await instantiate(fixture('init-rejected'), plainHost())
    expect(thrownBy(() => rejected['init']!([]))).toMatchObject({
      kind: { tag: 'invalid-input' },
      message: 'config speed: is missing',
    })
    const unavailable = await instantiate(fixture('init-unavailable'), plainHost())
    expect(thrownBy(() => unavailable['init']!([]))).toMatchObject({
      kind: { tag: 'unavailable' },
      code: 503,
    })
  })

  it('store-bench writes as much as its config says', async () => {
    const { host, onEvent } = await start('store-bench', [
      ['gets', '3'],
      ['sets', '25'],
      ['value_bytes', '100'],
    ])
    onEvent(block(1))
    expect(host.store.size).toBe(25)
    expect(host.store.get('bench/24')).toBe('x'.repeat(100))
  })

  it('chain-caller stores the answer and passes an error on', async () => {
    const { host, onEvent } = await start('chain-caller')
    host.chain['eth_blockNumber'] = '"0xc"'
    onEvent(block(12))
    expect(host.store.get('answer/12')).toBe('"0xc"')
    host.chain = {}
    expect(thrownBy(() => onEvent(block(13)))).toMatchObject({ domain: 'chain', kind: { tag: 'denied' } })
  })

  it('log-flood logs its lines', async () => {
    const { host, onEvent } = await start('log-flood', [['lines', '300']])
    onEvent(block(1))
    expect(host.logs).toHaveLength(300)
    expect(host.logs.at(-1)).toBe('info flood 299')
  })

  it('query answers its input', async () => {
    const { guest } = await start('query')
    expect(guest['evaluate']!(Uint8Array.of(1, 2, 3))).toEqual(Uint8Array.of(1, 2, 3))
    expect(thrownBy(() => guest['evaluate']!(new Uint8Array()))).toMatchObject({ message: 'empty input' })
  })

  it('wasi-printer prints to both streams', async () => {
    const { host, onEvent } = await start('wasi-printer')
    onEvent(block(1))
    expect(host.output).toEqual({ stdout: 'hello from wasi\nenvironment 0\n', stderr: 'oops\n' })
  })

  it('the refused ones are what they claim to be', async () => {
    expect((await surfaceOf(fixture('wants-unknown'))).imports).toEqual(['acme:rocket/launch'])
    expect(await surfaceOf(fixture('no-contract'))).toEqual({ imports: [], exports: ['hello'] })
    expect((await surfaceOf(fixture('init-only'))).exports).toEqual(['init'])
    const core = await readFile(fixture('core'))
    expect([...core.subarray(0, 8)]).toEqual([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
    expect(await print(await readFile(fixture('dialect')))).toContain('(case "chain-logs" ')
  })
})
