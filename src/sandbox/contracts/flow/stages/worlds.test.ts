/** Every world, built by two toolchains: text through wasm-tools, and JavaScript through QuickJS. */
import { describe, expect, test } from 'vitest'
import { FlowBuffers } from '../buffers/flow-buffers.ts'
import {
  loadStage,
  openComponent,
  openStage,
  roleOf,
} from '../../../../../test/fixtures/stages/opened-stages.ts'
import { stageComponent } from '../../../../../test/fixtures/stages/components.ts'
import { tokens } from '../../../../../test/fixtures/stages/stages.ts'

/** QuickJS guests are compiled the first time. */
const slow = 60_000

describe('spec flows 18: all seven worlds', () => {
  test('data-source', async () => {
    const source = await openStage('counter-source')
    expect(source.stage.hasLifecycle).toBe(true)
    expect(source.stage.init('2 8')).toBe('ready')
    expect(source.stage.notifyBackpressure('pause')).toBe('ready')
    expect(source.stage.pull()).toBe('emit')
    expect(source.stage.output?.contentType).toBe('text/plain')
    expect([...source.taken()]).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(source.stage.pull()).toBe('emit')
    expect([...source.taken()]).toEqual([1, 0, 0, 0, 1, 1, 1, 1])
    expect(source.stage.pull()).toBe('none')
    expect(source.stage.teardown()).toBe('ready')
    expect(source.buffers.live).toBe(0)
  })

  test('transform, which has no hooks', async () => {
    const flip = await openStage('flip-transform')
    expect(flip.stage.hasLifecycle).toBe(false)
    expect(flip.stage.init('ignored')).toBe('ready')
    expect(flip.give('abc')).toBe('emit')
    expect(flip.takenText()).toBe('`cb')
    expect(flip.stage.teardown()).toBe('ready')
    expect(flip.buffers.live).toBe(0)
  })

  test('managed-transform, which may refuse to start', async () => {
    const clone = await openStage('clone-transform')
    expect(clone.stage.init('!no')).toBe('error')
    expect(clone.stage.error).toEqual({
      case: 'invalid-input',
      message: 'the config begins with !',
      trap: null,
    })
    expect(clone.stage.isDead).toBe(false)
    expect(clone.stage.init('')).toBe('ready')
    expect(clone.give('abc', 'text/x')).toBe('emit')
    expect(clone.takenText()).toBe('abc')
  })

  test('data-sink, which may ask for a pause', async () => {
    const sink = await openStage('sum-sink')
    expect(sink.stage.init('3')).toBe('ready')
    expect([sink.give('a'), sink.give('b'), sink.give('c'), sink.give('d')]).toEqual([
      'ready',
      'ready',
      'pause',
      'ready',
    ])
    expect(sink.stage.complete()).toBe('ready')
  })

  test('content-filter', async () => {
    const filter = await openStage('even-filter')
    expect([filter.give(), filter.give(), filter.give()]).toEqual(['pass', 'reject', 'pass'])
  })

  test('content-router: none, one, two, and a port that nobody knows', async () => {
    const router = await openStage('port-router')
    const chosen = [0, 1, 2, 3, 4].map(() => {
      expect(router.give()).toBe('routed')
      return [...router.stage.ports]
    })
    expect(chosen).toEqual([[], ['a'], ['b'], ['a', 'b'], ['ghost', 'b']])
  })

  test('stream-aggregator; token sample: 20 in, 1 filtered, 3 sentences, the last by flush', async () => {
    const buffers = new FlowBuffers()
    const source = await openStage('token-source', { buffers })
    const filter = await openStage('word-filter', { buffers })
    const aggregator = await openStage('sentence-aggregator', { buffers })
    filter.stage.init('um')
    const sentences: string[] = []
    let pulled = 0
    let filtered = 0
    while (source.stage.pull() === 'emit') {
      pulled += 1
      const token = source.stage.output
      if (token === null) throw new Error('no output')
      if (filter.stage.accept(filter.element(token.buffer, token.contentType)) === 'reject') filtered += 1
      else if (aggregator.stage.accept(aggregator.element(token.buffer, token.contentType)) === 'emit')
        sentences.push(aggregator.takenText())
      token.buffer.release()
    }
    expect(aggregator.stage.flush()).toBe('flushed')
    for (const { buffer } of aggregator.stage.outputs) {
      sentences.push(Buffer.from(buffers.copyOut(buffer)).toString())
      buffer.release()
    }
    expect(tokens.length).toBe(20)
    expect({ pulled, filtered }).toEqual({ pulled: 20, filtered: 1 })
    expect(sentences).toEqual([
      'The stream begins here.',
      'Every token becomes part of a sentence.',
      'Then the rest is told at the end',
    ])
    expect(buffers.live).toBe(0)
  })

  test(
    'each by QuickJS too: lent handles dropped in post-return are dropped in time',
    async () => {
      const buffers = new FlowBuffers()
      const open = (name: Parameters<typeof openStage>[0]) => openStage(name, { buffers, fuel: 20_000_000 })
      const source = await open('js-source')
      expect(source.stage.init('4 5')).toBe('ready')
      const transform = await open('js-transform')
      const filter = await open('js-filter')
      const router = await open('js-router')
      const aggregator = await open('js-aggregator')
      const sink = await open('js-sink')
      const managed = await open('js-managed')
      expect(managed.stage.init('')).toBe('error')
      expect(managed.stage.error).toEqual({ case: 'invalid-input', message: 'no config', trap: null })
      expect(source.stage.notifyBackpressure('pause')).toBe('ready')
      expect(source.stage.pull()).toBe('emit')
      expect([...source.taken()]).toEqual([0, 0, 0, 0, 0])
      expect(transform.give('abc')).toBe('emit')
      expect(transform.takenText()).toBe('`cb')
      expect(transform.give('')).toBe('error')
      expect(transform.stage.error?.message).toBe('nothing to turn')
      expect([filter.give('x'), filter.give('x')]).toEqual(['pass', 'reject'])
      expect(router.give('x')).toBe('routed')
      expect(router.stage.ports).toEqual(['a'])
      expect([aggregator.give('a'), aggregator.give('b'), aggregator.give('c')]).toEqual([
        'none',
        'none',
        'emit',
      ])
      expect(aggregator.takenText()).toBe('abc')
      expect(aggregator.give('d')).toBe('none')
      expect(aggregator.stage.flush()).toBe('flushed')
      expect(aggregator.stage.outputs.length).toBe(1)
      for (const { buffer } of aggregator.stage.outputs) buffer.release()
      expect(sink.give('x')).toBe('ready')
      expect(sink.stage.complete()).toBe('ready')
      expect(managed.give('x')).toBe('none')
      expect(source.stage.teardown()).toBe('ready')
      for (const { stage } of [source, transform, filter, router, aggregator, sink, managed]) {
        expect(stage.handles.size).toBe(0)
      }
      expect(buffers.live).toBe(0)
    },
    slow,
  )
})

describe('spec flows 1: custom worlds', () => {
  test('one component runs in either of its roles, and its init at the root is never the hook', async () => {
    const component = await loadStage(await stageComponent('two-roles'))
    const source = openComponent(component, { role: 'source' })
    expect(source.stage.hasLifecycle).toBe(false)
    expect(source.stage.init('5')).toBe('ready')
    expect(source.stage.pull()).toBe('emit')
    source.taken()
    const sink = openComponent(component, { role: 'sink' })
    expect(sink.give('x')).toBe('ready')
    expect(() => openComponent(component, { role: 'filter' })).toThrow(
      expect.objectContaining({ code: 'stage.unsupported' }),
    )
  })

  test('spec flows 1.5: what it prints is tagged with its node, grants are answered, the clock traps without one', async () => {
    const sink = await openStage('printing-sink')
    expect(roleOf('printing-sink')).toBe('sink')
    expect(sink.stage.init('1')).toBe('ready')
    expect(sink.lines).toEqual(['[n] stdout: refused'])
    expect(sink.give('tick\n')).toBe('trap')
    expect(sink.stage.error?.trap).toMatch(/wasi:clocks.*not granted/)

    const granted = await openStage('printing-sink', { grants: ['wasi-clocks'] })
    expect(granted.stage.init('1')).toBe('ready')
    expect(granted.give('tick\ntock\n')).toBe('ready')
    expect(granted.give(`${'x'.repeat(9_000)}\n`)).toBe('ready')
    expect(granted.lines.slice(0, 3)).toEqual(['[n] stdout: granted', '[n] stdout: tick', '[n] stdout: tock'])
    expect(granted.lines[3]?.length).toBe('[n] stdout: '.length + 8_192)
  })
})
