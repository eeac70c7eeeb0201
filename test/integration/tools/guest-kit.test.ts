/** The library that tools in TypeScript are written with (scripts/guest-kit/guest-tool). */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildModule } from '../../../scripts/guest-kit/build-module.mjs'
import type { CallHost } from '../../../src/sandbox/programs/guest-program.ts'
import { openArtifact, removeToolFolders, toolArtifact, type OpenTool } from '../../support/tools.ts'

const source = resolve(import.meta.dirname, '../../fixtures/tools/kit')
let artifact: string
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-kit-'))
  const { output } = await buildModule({ folder: source, output: join(folder, 'module.wasm') })
  artifact = await toolArtifact(await readFile(output))
})
afterAll(async () => {
  await removeToolFolders()
  await rm(folder, { recursive: true, force: true })
})

function opened(callHost: CallHost): Promise<OpenTool> {
  return openArtifact(artifact, { callHost })
}

const refusing: CallHost = (_capability, name) =>
  name === 'tool-invoke'
    ? { ok: false, error: 'not_granted' }
    : {
        ok: false,
        kind: 'network-denied',
        code: 'policy_denied',
        message: 'policy_denied',
        requestSent: false,
      }

test('what it offers reaches the host, and comes back in its own words', async () => {
  const asked: unknown[] = []
  const tool = await opened((_capability, name, args) => {
    asked.push([name, ...args])
    const file = args[0] === 'notes/a.md' ? 'text' : null
    const answers: Record<string, unknown> = {
      'http-request': {
        ok: true,
        status: 201,
        headersJson: '{"x-a":"b"}',
        body: Buffer.from('{"ü":1}'),
        bodyBytes: 8,
      },
      'workspace-read': file,
      'tool-invoke': { ok: true, output: '[1]' },
      'secret-exists': true,
    }
    return answers[name]
  })
  const outcome = tool.attempt({ url: 'https://a.example' }, 30_000, 'kit.all')
  expect(outcome).toMatchObject({ status: 'ok', value: { response: { tag: 'success' } } })
  const { output } = (outcome as { value: { response: { output: string } } }).value.response
  expect(JSON.parse(output)).toEqual({
    status: 201,
    header: 'b',
    body: { ü: 1 },
    file: 'text',
    nothing: null,
    secret: true,
    called: [1],
    year: new Date().getUTCFullYear(),
    sameClock: true,
  })
  expect(asked).toMatchObject([
    [
      'http-request',
      { method: 'POST', url: 'https://a.example/é', headersJson: '{"accept":"application/json"}' },
    ],
    ['workspace-read', 'notes/a.md'],
    ['workspace-read', 'none'],
    ['secret-exists', 'key'],
    ['tool-invoke', 'lookup', expect.stringContaining('lone') as string],
  ])
  expect(tool.lines).toMatchObject([{ level: 'warn', message: 'asking {"url":"https://a.example"} 7' }])
})

describe('how a tool fails', () => {
  test.each([
    ['http', { kind: 'network-denied', code: 'policy_denied', message: 'policy_denied' }],
    ['tool', { kind: 'operation-failed', code: 'not_granted', message: 'lookup: not_granted' }],
    ['own', { kind: 'input', code: 'not_found', message: 'no such \ufffd repository' }],
    ['random', { kind: 'operation-failed', message: 'Error: Tools have no source of randomness.' }],
    ['async', { kind: 'operation-failed', message: 'Error: An operation must not be async.' }],
    ['whatever', { kind: 'operation-failed', message: 'TypeError: how' }],
  ])('%s', async (how, failure) => {
    const tool = await opened(refusing)
    expect(tool.attempt({ how }, 30_000, 'kit.fail')).toMatchObject({
      status: 'ok',
      value: { tag: 'response', response: { tag: 'failure', ...failure } },
    })
  })

  test('a failed request can be caught, with all that is known of it', async () => {
    const tool = await opened(refusing)
    expect(tool.attempt({ how: 'caught' }, 30_000, 'kit.fail')).toMatchObject({
      value: { response: { tag: 'success', output: '["network-denied","policy_denied",false]' } },
    })
  })

  test('nothing answered is null; an operation that is not there is the fault of the input', async () => {
    const tool = await opened(refusing)
    expect(tool.attempt({ how: 'nothing' }, 30_000, 'kit.fail')).toMatchObject({
      value: { response: { tag: 'success', output: 'null' } },
    })
    expect(tool.attempt({}, 30_000, 'toString')).toMatchObject({
      value: { response: { tag: 'failure', kind: 'input', code: 'unknown_operation' } },
    })
  })
})
