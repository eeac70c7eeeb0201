/** The library that stages in TypeScript are written with (scripts/guest-kit/guest-stage), in every role. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildFolder } from '../../../scripts/guest-kit/build-module.mjs'
import { inspectComponent } from '../../../src/engine/compiler/compile.ts'
import type { StageComponent } from '../../../src/sandbox/contracts/flow/stages/options.ts'
import type { StageRole } from '../../../src/shared/contracts/flow.ts'
import { loadStage, openComponent, type OpenStage } from '../../fixtures/stages/opened-stages.ts'

const fixture = resolve(import.meta.dirname, '../../fixtures/stage-kit')
let folder: string
let every: StageComponent

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-stage-kit-'))
  await cp(fixture, folder, { recursive: true })
  const built = await buildFolder({ folder })
  expect(built.map(({ output }) => output)).toEqual(
    ['every', 'plain'].map((name) => join(folder, `${name}.wasm`)),
  )
  every = await loadStage(await readFile(join(folder, 'every.wasm')))
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

function open(role: StageRole, config = ''): OpenStage {
  const opened = openComponent(every, {
    role,
    fuel: 500_000_000,
    context: { traceId: 'ab'.repeat(16), deadlineNs: 5_000_000n },
  })
  expect(opened.stage.init(config)).toBe('ready')
  return opened
}

describe('what is built', () => {
  it('imports the host’s buffers and printing, and exports what its source does', async () => {
    const { world } = await inspectComponent(join(folder, 'every.wasm'))
    const named = (externs: typeof world.imports) => externs.map(({ name }) => name).sort()
    expect(named(world.imports)).toEqual([
      'torvyn:streaming/buffer-allocator@0.1.0',
      'torvyn:streaming/types@0.1.0',
      'wasi:cli/stderr@0.2.0',
      'wasi:cli/stdout@0.2.0',
      'wasi:io/error@0.2.0',
      'wasi:io/streams@0.2.0',
    ])
    expect(named(world.exports)).toEqual([
      'init',
      'torvyn:aggregation/aggregator@0.1.0',
      'torvyn:filtering/filter@0.1.0',
      'torvyn:filtering/router@0.1.0',
      'torvyn:streaming/lifecycle@0.1.0',
      'torvyn:streaming/processor@0.1.0',
      'torvyn:streaming/sink@0.1.0',
      'torvyn:streaming/source@0.1.0',
    ])
  })

  it('may do without the library and without a lifecycle', async () => {
    const plain = openComponent(await loadStage(await readFile(join(folder, 'plain.wasm'))), {
      role: 'processor',
      fuel: 500_000_000,
    })
    expect(plain.stage.hasLifecycle).toBe(false)
    expect(plain.give('as it is', 'text/x')).toBe('emit')
    expect(plain.stage.output?.contentType).toBe('text/x')
    expect(plain.takenText()).toBe('as it is')
    expect(plain.buffers.live).toBe(0)
  })

  it.each([
    ['no stage', "import 'paddock:stage'\nexport const lifecycle = {}", /exports no stage/],
    [
      'a host it has not',
      "import { get } from 'nexum:host/local-store@0.2.0'\nexport const sink = get",
      /imports "nexum:host\/local-store@0\.2\.0", which stages do not have/,
    ],
  ])('is refused with %s', async (_, source, message) => {
    const other = await mkdtemp(join(tmpdir(), 'paddock-stage-kit-'))
    try {
      await writeFile(join(other, 'pipeline.toml'), '')
      await expect(buildFolder({ folder: other })).rejects.toThrow(/has no stages/)
      await mkdir(join(other, 'src'))
      await writeFile(join(other, 'src/one.ts'), source)
      await expect(buildFolder({ folder: other })).rejects.toThrow(message)
    } finally {
      await rm(other, { recursive: true, force: true })
    }
  })
})

describe('source', () => {
  it('gives text, bytes and JSON, and null at the end', () => {
    const { stage, ...source } = open('source', 'ü😀|bytes|json|a\ud800')
    const opened = Object.assign(source, { stage })
    const taken: unknown[] = []
    while (stage.pull() === 'emit') {
      const { output } = stage
      taken.push([output?.contentType, opened.buffers.copyOut(output!.buffer).toString()])
      output?.buffer.release()
    }
    expect(taken).toEqual([
      ['text/plain', Buffer.from('ü😀').join(',')],
      ['', '1,2,255'],
      ['application/json', Buffer.from('{"a":1}').join(',')],
      ['text/plain', Buffer.from('a\ufffd').join(',')],
    ])
    expect(stage.pull()).toBe('none')
    expect(opened.buffers.live).toBe(0)
  })

  it('says that there is nothing now, and survives what is forgotten', () => {
    const { stage } = open('source', 'unavailable|forgotten|async|')
    const pulled = [stage.pull(), stage.error, stage.pull(), stage.error, stage.pull(), stage.error]
    expect(pulled).toEqual([
      'error',
      { case: 'unavailable', message: 'not yet', trap: null },
      'error',
      {
        case: 'internal',
        message: 'TypeError: pull returned nothing; null is nothing on purpose.',
        trap: null,
      },
      'error',
      { case: 'internal', message: 'TypeError: pull must not be async.', trap: null },
    ])
    expect(stage.pull()).toBe('emit')
  })

  it('is told of back-pressure; what has no error side ends in the log, not in a trap', () => {
    const { stage, lines } = open('source')
    expect(stage.notifyBackpressure('pause')).toBe('ready')
    expect(stage.notifyBackpressure('ready')).toBe('ready')
    expect(stage.teardown()).toBe('ready')
    expect(lines).toEqual([
      '[n] stdout: told pause',
      '[n] stderr: notifyBackpressure: Error: nobody hears this',
      '[n] stderr: teardown: Error: no way down',
    ])
  })

  it.each([
    ['refuse', { case: 'invalid-input', message: 'no config' }],
    ['bug', { case: 'internal', message: 'TypeError: a bug in init' }],
  ])('refuses to start: %s', (config, error) => {
    const { stage } = openComponent(every, { role: 'source', fuel: 500_000_000 })
    expect(stage.init(config)).toBe('error')
    expect(stage.error).toEqual({ ...error, trap: null })
  })
})

describe('transform', () => {
  it('reads the element and its context', () => {
    const opened = open('processor')
    expect(opened.give('mirror', 'text/x')).toBe('emit')
    expect(JSON.parse(opened.takenText())).toEqual({
      sequence: 0,
      day: '1970-01-01T00:00:00.000Z',
      contentType: 'text/x',
      size: 6,
      traceId: 'ab'.repeat(16),
      flowId: 'flow-1',
      read: [0x69, 0x72],
      left: 5,
    })
    expect(opened.give('{"n":[1,"ü"]}')).toBe('emit')
    expect(opened.stage.output?.contentType).toBe('application/json')
    expect(opened.takenText()).toBe('{"n":[1,"ü"]}')
    expect(opened.give('type')).toBe('emit')
    expect(opened.stage.output?.contentType).toBe('x/\ufffdy')
    expect(opened.takenText()).toBe('typed')
    expect(opened.give('drop')).toBe('none')
    expect(opened.buffers.live).toBe(0)
  })

  it('fails by what it says or throws, and lives on', () => {
    const opened = open('processor')
    const outcomes = (texts: readonly string[]) =>
      Object.fromEntries(
        texts.map((text) => {
          expect(opened.give(text)).toBe('error')
          const fault = opened.stage.error
          expect(fault?.trap).toBeNull()
          return [text, `${fault?.case}: ${fault?.message}`]
        }),
      )
    const expected = {
      invalid: 'invalid-input: bad \ufffd',
      unavailable: 'unavailable: away',
      internal: 'internal: inside',
      late: 'deadline-exceeded: ',
      fatal: 'fatal: over',
      contract: 'unavailable: by hand',
      text: 'internal: just a text',
      nothing: 'internal: undefined',
      range: 'internal: RangeError: xxx',
      clock: 'internal: Error: A stage has no clock: elements say when they came.',
      today: 'internal: Error: A stage has no clock: elements say when they came.',
      random: 'internal: Error: A stage has no source of randomness: derive what you need from the elements.',
      large: 'internal: allocation-failed: over 16 MiB',
      number: 'internal: TypeError: An output must be text or bytes.',
      async: 'internal: TypeError: process must not be async.',
      forgotten: 'internal: TypeError: process returned nothing; null is nothing on purpose.',
    }
    expect(outcomes(Object.keys(expected))).toEqual(expected)
    expect(outcomes(['no json'])['no json']).toMatch(/^invalid-input: The element is not JSON: SyntaxError/)
    expect(outcomes(['parse']).parse).toMatch(/^internal: SyntaxError/)
    expect(opened.give(Uint8Array.of(0xff))).toBe('error')
    expect(opened.stage.error).toMatchObject({
      case: 'invalid-input',
      message: 'The element is not UTF-8 text.',
    })
    expect(opened.give('keep')).toBe('none')
    expect(outcomes(['kept']).kept).toMatch(/^internal: .*expired/)
    expect(opened.stage.isDead).toBe(false)
    expect(opened.buffers.live).toBe(0)
  })

  it('is ended by a recursion without end, which nothing can catch', () => {
    const opened = open('processor')
    expect(opened.give('stack')).toBe('trap')
    expect(opened.stage.error?.case).toBe('fatal')
    expect(opened.stage.reclaim()).toBe(0)
  })

  it('prints to the log of the flow, with the name of its node', () => {
    const opened = open('processor')
    expect(opened.give('log')).toBe('none')
    expect(opened.lines).toEqual(['[n] stdout: line {"a":1} ü', '[n] stderr: Error: told'])
  })

  it('takes any text in and gives it out as UTF-8', () => {
    const opened = open('processor', 'echo')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_500 }), (text) => {
        expect(opened.give(text)).toBe('emit')
        expect(opened.takenText()).toBe(Buffer.from(text).toString())
      }),
      { numRuns: 25 },
    )
    const long = 'x'.repeat(20_000)
    expect(opened.give(long)).toBe('emit')
    expect(opened.takenText()).toBe(long)
    expect(opened.buffers.live).toBe(0)
  })
})

describe('filter, router, aggregator, sink', () => {
  it('a filter says yes or no, and nothing else', () => {
    const filter = open('filter')
    expect([filter.give('yes'), filter.give('no')]).toEqual(['pass', 'reject'])
    expect(filter.give('odd')).toBe('error')
    expect(filter.stage.error?.message).toBe('TypeError: evaluate must return true or false.')
    expect(filter.give('async')).toBe('error')
    expect(filter.give('y')).toBe('pass')
  })

  it('a router names a port, ports or none', () => {
    const router = open('router')
    const ports = ['a', 'a,b', ''].map((text) => {
      expect(router.give(text)).toBe('routed')
      return [...router.stage.ports]
    })
    expect(ports).toEqual([['a'], ['a', 'b'], []])
    expect(router.give('number')).toBe('error')
    expect(router.stage.error?.message).toBe('TypeError: route must return names of ports.')
  })

  it('an aggregator hands out when it likes, and the rest at the flush', () => {
    const opened = open('aggregator')
    expect([opened.give('a'), opened.give('b'), opened.give('c')]).toEqual(['none', 'none', 'emit'])
    expect(opened.takenText()).toBe('abc')
    expect([opened.give('d'), opened.give('e')]).toEqual(['none', 'none'])
    expect(opened.stage.flush()).toBe('flushed')
    const rest = opened.stage.outputs.map(({ buffer }) => {
      const text = Buffer.from(opened.buffers.copyOut(buffer)).toString()
      buffer.release()
      return text
    })
    expect(rest).toEqual(['d', 'e'])
    const { stage } = open('aggregator', 'stuck')
    expect(stage.flush()).toBe('error')
    expect(stage.error?.message).toBe('Error: cannot flush')
    expect(opened.buffers.live).toBe(0)
  })

  it('a sink takes, pauses, and says when it did not finish', () => {
    const sink = open('sink')
    expect([sink.give('x'), sink.give('pause')]).toEqual(['ready', 'pause'])
    expect(sink.give('wrong')).toBe('error')
    expect(sink.stage.complete()).toBe('ready')
    const { stage } = open('sink', 'unfinished')
    expect(stage.complete()).toBe('error')
    expect(stage.error).toEqual({ case: 'unavailable', message: 'not all is written', trap: null })
  })
})
