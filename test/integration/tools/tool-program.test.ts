/** Tools of two toolchains on the guest's program, called directly (spec tools 1, 3, 7, 8). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maxToolDiagnosticsBytes } from '../../../src/shared/contracts/tool-call.ts'
import { memoryCore, withCoreInstances } from '../../support/component-parts.ts'
import { handTool, probeTool } from '../../support/tool-components.ts'
import {
  openArtifact,
  openTool,
  removeToolFolders,
  toolArtifact,
  type OpenTool,
} from '../../support/tools.ts'

const mebibyte = 1_048_576
let hand: string
let probe: string

beforeAll(async () => {
  hand = await toolArtifact(await handTool(), mebibyte)
  probe = await toolArtifact(await probeTool())
})
afterAll(removeToolFolders)

const open = (): Promise<OpenTool> => openArtifact(hand, { memoryBytes: mebibyte })

describe('spec tools 14 row contract', () => {
  test.each(['0.2.0', '0.2.6', '0.2.9'])(
    'a component that uses one host function and WASI %s runs',
    async (wasi) => {
      const tool = await openTool(await handTool({ wasi }))
      expect(tool.output({ deed: 'count' })).toBe(1)
    },
  )

  test('a component of another toolchain (QuickJS) runs', async () => {
    const tool = await openArtifact(probe)
    expect(tool.output({ step: { do: 'answer', value: { a: ['ü', null] } } })).toEqual({ a: ['ü', null] })
  })

  test('schema and description are asked of an instance with every capability denied', async () => {
    const tool = await open()
    expect(tool.describe()).toEqual({
      status: 'ok',
      value: {
        schema: expect.stringContaining('"required":["deed"]') as string,
        description: 'Does what it is told.',
      },
    })
  })

  test.each([
    ['no JSON', '{\\"type\\":', '[\\"type\\":'],
    ['no object', '{\\"type\\":\\"object\\"', '[{\\"a\\":\\"object\\"'],
  ])('a schema that is %s is refused', async (_, from, to) => {
    const tool = await openTool(await handTool({ replace: [[from, to]] }))
    expect(tool.describe()).toMatchObject({ status: 'failed', error: { code: 'tool.invalid_schema' } })
  })
})

describe('spec tools 14 row closed WASI', () => {
  test('environment, arguments, folder and preopened folders are empty', async () => {
    expect((await open()).output({ deed: 'nothing' })).toEqual([0, 0, 0, 0])
  })

  test('exit is a failure of the guest, and the next call works', async () => {
    const tool = await open()
    expect(tool.failure({ deed: 'exit' }).code).toBe('tool.exit')
    expect(tool.output({ deed: 'count' })).toBe(1)
  })

  test('of 10 MiB to stderr the last 64 KiB at most are kept', async () => {
    const tool = await open()
    expect(tool.answer({ deed: 'stderr' })).toMatchObject({ logged: tool.lines.length })
    const kept = tool.lines.filter(({ source }) => source === 'stderr')
    const bytes = kept.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 1, 0)
    expect(bytes).toBeLessThanOrEqual(maxToolDiagnosticsBytes)
    expect(bytes).toBeGreaterThan(maxToolDiagnosticsBytes / 2)
    // The guest writes lines of one letter each, 26 in turn; the last round is 2559.
    expect(kept.at(-1)?.message).toBe(String.fromCharCode(97 + (2_559 % 26)).repeat(4_095))
  })

  test('what was printed before a trap is kept', async () => {
    const tool = await openTool(
      await handTool({
        replace: [['(br_if $more (i32.lt_u (local.get $round) (i32.const 2560)))', 'unreachable']],
      }),
    )
    expect(tool.failure({ deed: 'stderr' }).code).toBe('sandbox.trap')
    expect(tool.lines).toMatchObject([{ source: 'stderr', message: 'a'.repeat(4_095) }])
  })

  test('sleeping ends at the deadline', async () => {
    const tool = await open()
    const began = performance.now()
    expect(tool.failure({ deed: 'wait' }, 100).code).toBe('sandbox.deadline')
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

test('spec tools 14 row context: execute receives exactly the operation', async () => {
  expect((await open()).output({ deed: 'x' })).toEqual({ capability_id: 'probe' })
})

describe('spec tools 14 row log', () => {
  test('the 1001st entry is dropped and counted', async () => {
    const tool = await openArtifact(probe)
    const steps = [
      { do: 'log', message: 'first', times: 999 },
      { do: 'log', message: 'last taken' },
      { do: 'log', message: 'dropped', times: 3 },
    ]
    expect(tool.answer({ steps })).toMatchObject({ tag: 'response', logged: 1_000 })
    expect(tool.lines).toHaveLength(1_000)
    expect(tool.lines.at(-1)).toMatchObject({
      source: 'host_interface',
      level: 'info',
      message: 'last taken',
    })
    expect(tool.drops.count).toBe(3)
    // The next call has its own count.
    expect(tool.answer({ step: { do: 'log', message: 'again' } })).toMatchObject({ logged: 1 })
  })

  test('a multibyte line of 4097 bytes is cut between characters', async () => {
    const tool = await openArtifact(probe)
    tool.output({ step: { do: 'log', level: 'warn', message: `x${'é'.repeat(2_048)}` } })
    expect(tool.lines).toMatchObject([{ level: 'warn', message: `x${'é'.repeat(2_047)}` }])
  })

  test('a short word that would be cut in two is left out, since half a secret is not recognised', async () => {
    const tool = await openArtifact(probe)
    tool.output({ step: { do: 'log', message: `${'a '.repeat(2_040)}ghp_0123456789abcdefghij` } })
    expect(tool.lines[0]?.message).toBe('a '.repeat(2_040))
  })

  test('lines written before the guest fails are there', async () => {
    const tool = await openArtifact(probe)
    expect(tool.failure({ steps: [{ do: 'log', message: 'before' }, { do: 'trap' }] }).code).toBe(
      'sandbox.trap',
    )
    expect(tool.lines.map(({ message }) => message)).toEqual(['before'])
  })
})

describe('spec tools 14 row failure mapping', () => {
  test.each([
    'auth-required',
    'input',
    'output-too-large',
    'executor',
    'network-denied',
    'client',
    'operation-failed',
  ])('%s leaves the sandbox as it is', async (kind) => {
    const tool = await openArtifact(probe)
    expect(tool.answer({ step: { do: 'fail', kind, code: 'c_1', message: 'why' } })).toMatchObject({
      tag: 'response',
      response: { tag: 'failure', kind, code: 'c_1', message: 'why' },
    })
  })

  test('a message of 5000 bytes is cut, the code "a b/c" is abc', async () => {
    expect((await open()).answer({ deed: 'fail' })).toMatchObject({
      response: { tag: 'failure', kind: 'client', code: 'abc', message: 'x'.repeat(4_096) },
    })
  })

  test('a code of nothing that may be kept is none', async () => {
    const answer = (await openArtifact(probe)).answer({
      step: { do: 'fail', code: '/ ü', message: 'é'.repeat(3_000) },
    })
    expect(answer).toMatchObject({ response: { message: 'é'.repeat(2_048) } })
    expect(answer).not.toHaveProperty('response.code')
  })

  test('a trap and the end of the stack are told apart', async () => {
    const tool = await open()
    expect(tool.failure({ deed: 'trap' }).code).toBe('sandbox.trap')
    expect(tool.failure({ deed: 'recurse' }).code).toBe('sandbox.stack_overflow')
  })
})

describe('spec tools 14 row fresh instance', () => {
  test.each([true, false])(
    'a counter in guest memory reads 1 on every call (prepared ahead: %s)',
    async (ahead) => {
      const tool = await openArtifact(hand, { memoryBytes: mebibyte, prepareNext: ahead })
      const counts = [1, 2, 3].map(() => tool.output({ deed: 'count' }))
      expect(tool.failure({ deed: 'trap' }).code).toBe('sandbox.trap')
      expect([...counts, tool.output({ deed: 'count' })]).toEqual([1, 1, 1, 1])
    },
  )

  test('static state of JavaScript is gone, too', async () => {
    const tool = await openArtifact(probe)
    expect([1, 2].map(() => tool.output({ step: { do: 'count' } }))).toEqual([1, 1])
  })
})

describe('spec tools 14 row memory', () => {
  test.each(['hog', 'big'])(
    'growing past the limit fails for memory (%s), and no further than it',
    async (deed) => {
      const tool = await open()
      expect(tool.failure({ deed }).code).toBe('sandbox.out_of_memory')
      expect(tool.program.memoryBytes).toBeLessThanOrEqual(mebibyte)
    },
  )

  test('a guest that goes on after it was refused memory succeeds', async () => {
    expect((await open()).output({ deed: 'modest' })).toBe(1)
  })

  test('a trap of another cause is none of memory, however much is held', async () => {
    const tool = await openArtifact(hand, { memoryBytes: mebibyte })
    expect(tool.failure({ deed: 'trap' }).code).toBe('sandbox.trap')
  })

  test('two memories share one limit', async () => {
    const component = withCoreInstances(await handTool(), memoryCore, 1)
    const tool = await openTool(component, { memoryBytes: mebibyte })
    expect(tool.output({ deed: 'modest' })).toBe(1)
    // What the other may grow to is kept free for it.
    expect(tool.program.memoryBytes).toBeLessThan(mebibyte)
    expect(tool.program.memoryBytes).toBeGreaterThan(mebibyte / 4)
  })
})

describe('spec tools 7.3: params and output', () => {
  const schema =
    '{"type":"object","required":["step"],"properties":{"step":{"type":"object"},"n":{"type":"string","pattern":"^(a+)+$"}}}'

  test('params over input_bytes never reach the guest', async () => {
    const tool = await openArtifact(probe, { inputBytes: 64 })
    expect(tool.answer({ step: { do: 'log', message: 'x'.repeat(64) } })).toMatchObject({
      tag: 'refused',
      kind: 'input_encode',
    })
    expect(tool.lines).toEqual([])
  })

  test('params that do not match the schema of the tool never reach the guest, and are told where', async () => {
    const tool = await openArtifact(probe, { schema })
    expect(tool.answer({ step: 5 })).toMatchObject({
      tag: 'refused',
      kind: 'input_encode',
      message: expect.stringContaining('#/step') as string,
    })
    expect(tool.answer({})).toMatchObject({ tag: 'refused', kind: 'input_encode' })
    expect(tool.answer('{"step":')).toMatchObject({ tag: 'refused', kind: 'input_encode' })
    expect(tool.output({ step: { do: 'answer', value: 1 } })).toBe(1)
  })

  test.each([
    ['is no JSON', 'x'],
    ['refers to nothing', '{"$ref":"#/nowhere"}'],
    ['has a pattern that is none', '{"properties":{"step":{"properties":{"do":{"pattern":"("}}}}}'],
  ])('a schema that %s checks nothing', async (_, unusable) => {
    const tool = await openArtifact(probe, { schema: unusable })
    expect(tool.output({ step: { do: 'answer', value: 1 } })).toBe(1)
  })

  test('an output over output_bytes does not leave the thread', async () => {
    const tool = await openArtifact(probe, { outputBytes: 100 })
    expect(tool.output({ step: { do: 'text', message: 'x', times: 98 } })).toBe('x'.repeat(98))
    expect(tool.answer({ step: { do: 'text', message: 'x', times: 99 } })).toMatchObject({
      tag: 'refused',
      kind: 'output_too_large',
    })
  })
})
