/** Tools in a real sandbox process: what is left of a call that has to be stopped (spec tools 3, 8, 14). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { executePayload } from '../../../src/engine/contracts/tool/declaration.ts'
import { toolHostArguments, type ToolData } from '../../../src/shared/contracts/tool-call.ts'
import type { CallReply } from '../../../src/shared/sandbox/protocol.ts'
import { SandboxProcess } from '../../support/sandbox-process.ts'
import { handTool, probeTool } from '../../support/tool-components.ts'
import { removeToolFolders, toolArtifact } from '../../support/tools.ts'

let hand: string
let probe: string
const open: SandboxProcess[] = []

beforeAll(async () => {
  hand = await toolArtifact(await handTool())
  probe = await toolArtifact(await probeTool())
})
afterEach(() => Promise.all(open.splice(0).map((sandbox) => sandbox.kill())))
afterAll(removeToolFolders)

async function started(artifactDirectory: string, data: Partial<ToolData> = {}): Promise<SandboxProcess> {
  const sandbox = new SandboxProcess()
  open.push(sandbox)
  const contractData = { schema: null, inputBytes: 65_536, outputBytes: 65_536, prepareNext: true, ...data }
  const loaded = await sandbox.load({
    artifactDirectory,
    storePath: '',
    spec: { contract: 'tool', storePath: null, contractData: contractData satisfies ToolData },
  })
  expect(loaded).toMatchObject({ ok: true })
  return sandbox
}

function execute(sandbox: SandboxProcess, params: unknown, deadlineMs = 10_000): Promise<CallReply> {
  const payload = executePayload('probe', JSON.stringify(params))
  return sandbox.call('execute', payload, { deadlineMs, cursor: null, context: { eventType: 'call' } })
}

function messages(sandbox: SandboxProcess): string[] {
  return sandbox.logs.filter(({ source }) => source === 'host_interface').map(({ message }) => message)
}

describe('spec tools 14 row deadline', () => {
  test('an endless loop with 500 ms ends below 900 ms, with the lines written before', async () => {
    const sandbox = await started(hand)
    // The first call has the thread warm, as it is in service.
    await execute(sandbox, { deed: 'count' })
    const began = performance.now()
    const { outcome } = await execute(sandbox, { deed: 'print' }, 500)
    expect(performance.now() - began).toBeLessThan(900)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.deadline' } })
    expect(messages(sandbox)).toEqual(['one', 'two'])
  })

  test('a hundred lines of JavaScript before an endless loop are all there', async () => {
    const sandbox = await started(probe)
    const steps = [{ do: 'log', message: 'line', times: 100 }, { do: 'spin' }]
    const { outcome } = await execute(sandbox, { steps }, 500)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.deadline' } })
    expect(messages(sandbox)).toEqual(Array(100).fill('line'))
  })

  test('a schema whose pattern has no end burns the deadline of its own call only', async () => {
    const schema = '{"properties":{"step":{"properties":{"value":{"pattern":"^(a+)+$"}}}}}'
    const sandbox = await started(probe, { schema })
    const began = performance.now()
    const { outcome } = await execute(sandbox, { step: { do: 'answer', value: `${'a'.repeat(64)}!` } }, 300)
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.deadline' } })
  })

  test('sleeping through WASI ends at the deadline', async () => {
    const sandbox = await started(hand)
    const began = performance.now()
    const { outcome } = await execute(sandbox, { deed: 'wait' }, 300)
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'sandbox.deadline' } })
  })
})

test('spec tools 14 row closed WASI: exit ends neither the process nor what it can say', async () => {
  const sandbox = await started(hand)
  const { outcome } = await execute(sandbox, { deed: 'exit' })
  expect(outcome).toMatchObject({ status: 'failed', error: { code: 'tool.exit' } })
  sandbox.post({ type: 'ping', generation: sandbox.generation, nonce: 5 })
  expect(await sandbox.message('pong')).toMatchObject({ nonce: 5 })
})

test('spec tools 3: host calls leave with the arguments of the contract, and their answers come back', async () => {
  const sandbox = await started(probe)
  const asked: unknown[] = []
  sandbox.onHostCall = (call) => {
    const schemas = toolHostArguments[call.function as keyof typeof toolHostArguments]
    asked.push([call.capability, call.function, schemas.parse(call.args)])
    const answers: Record<string, unknown> = {
      'http-request': {
        ok: true,
        status: 203,
        headersJson: '{"x":"y"}',
        body: Uint8Array.of(104, 105),
        bodyBytes: 2,
      },
      'workspace-read': 'text',
      'tool-invoke': { ok: true, output: '{"n":1}' },
      'secret-exists': true,
    }
    return Promise.resolve({ ok: true as const, value: answers[call.function] })
  }
  const { outcome } = await execute(sandbox, {
    steps: [
      { do: 'http', method: 'POST', url: 'https://a.example/', body: 'ü', timeoutMs: 5 },
      { do: 'read', path: 'notes/a' },
      { do: 'invoke', alias: 'lookup', params: { q: 1 } },
      { do: 'exists', name: 'key' },
    ],
  })
  expect(outcome).toMatchObject({ status: 'ok', value: { tag: 'response', response: { tag: 'success' } } })
  const { output } = (outcome as { value: { response: { output: string } } }).value.response
  expect(JSON.parse(output)).toEqual([
    { status: 203, headers: { x: 'y' }, text: 'hi', length: 2 },
    'text',
    { output: { n: 1 } },
    true,
  ])
  expect(asked).toEqual([
    [
      'tool-host',
      'http-request',
      [
        {
          method: 'POST',
          url: 'https://a.example/',
          headersJson: '{}',
          body: Uint8Array.of(0xc3, 0xbc),
          bodyBytes: 2,
          timeoutMs: 5,
        },
      ],
    ],
    ['tool-host', 'workspace-read', ['notes/a']],
    ['tool-host', 'tool-invoke', ['lookup', '{"q":1}']],
    ['tool-host', 'secret-exists', ['key']],
  ])
})

test('a call that is cancelled while it waits for the host ends, and nothing of it goes on', async () => {
  const sandbox = await started(probe)
  let asked = 0
  const waiting = new Promise<void>((resolve) => {
    sandbox.onHostCall = () => {
      asked += 1
      resolve()
      return undefined
    }
  })
  const payload = executePayload(
    'probe',
    JSON.stringify({ step: { do: 'http', url: 'https://a.example/', times: 5 } }),
  )
  const call = sandbox.prepare('execute', payload, { cursor: null, context: {} })
  sandbox.send(call)
  await waiting
  sandbox.post({ type: 'cancel', generation: sandbox.generation, id: call.id })
  expect((await sandbox.reply(call)).outcome).toMatchObject({
    status: 'failed',
    error: { code: 'sandbox.cancelled' },
  })
  expect(asked).toBe(1)
})
