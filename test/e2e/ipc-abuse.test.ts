/** What a page that was taken over could try on the engine (style guide, S12): every call refuses it and tells nothing. */
import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import type { z } from 'zod'
import type { CallSpec, Spec } from '../../src/shared/ipc/define.ts'
import { channels, maxRequestBytes } from '../../src/shared/ipc/envelope.ts'
import type { Envelope } from '../../src/shared/ipc/envelope.ts'
import { ipcSchema } from '../../src/shared/ipc/schema.ts'
import { expect, test } from './support/fixtures.ts'
import { Paddock, root } from './support/paddock.ts'
import type { Bridge } from './support/paddock.ts'

const seed = 20_261
const canary = 'canary-77c1'
let paddock: Paddock

test.beforeAll(async () => {
  paddock = await Paddock.start({ settings: { devnet: { autoStart: false } } })
})

test.afterAll(async () => {
  expect(paddock.faults).toEqual([])
  await paddock.quit()
})

const calls = Object.entries(ipcSchema).flatMap(([group, members]) =>
  Object.entries(members as Record<string, Spec>).flatMap(([name, spec]) =>
    spec.kind === 'call' ? [{ group, name, spec }] : [],
  ),
)

/** Inputs that do not fit: anything at all, and objects of the right fields with anything in them. */
function badInputs(spec: CallSpec): unknown[] {
  const { shape = {} } = spec.input as z.ZodType & { shape?: Record<string, z.ZodType> }
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('', '../..', '\0', canary.repeat(100), -1, 1e308, [], {}, '__proto__', true),
  )
  const fields = fc.record(Object.fromEntries(Object.keys(shape).map((key) => [key, value])), {
    requiredKeys: [],
  })
  const input = fc.oneof(value, fields)
  return fc.sample(input, { numRuns: 80, seed }).filter((each) => !spec.input.safeParse(each).success)
}

/** Nothing in an answer may tell a path, a stack or what was sent. */
function expectNothingLeaks(answer: Envelope): void {
  const text = JSON.stringify(answer)
  for (const secret of [root, homedir(), paddock.stateDir, canary, 'node:internal', '.cjs', '    at ']) {
    if (secret.length > 1) expect(text).not.toContain(secret)
  }
}

function sendAll(group: string, name: string, inputs: readonly unknown[]): Promise<Envelope[]> {
  return paddock.page.evaluate(
    ([group, name, inputs]) => {
      const call = (window as unknown as { paddock: Bridge }).paddock.ipc[group]![name]!
      return Promise.all(inputs.map((input) => call(input)))
    },
    [group, name, inputs] as const,
  )
}

for (const { group, name, spec } of calls) {
  test(`${group}.${name} refuses what does not fit its schema`, async () => {
    const inputs = badInputs(spec)
    expect(inputs.length).toBeGreaterThan(20)
    const answers = await sendAll(group, name, inputs)
    expect(answers.map((answer) => (answer.ok ? 'accepted' : answer.error.code))).toEqual(
      inputs.map(() => 'ipc.invalid_input'),
    )
    answers.forEach(expectNothingLeaks)
  })
}

test('oversized and deeply nested input is refused before it is read', async () => {
  const [large] = await sendAll('app', 'copyText', ['x'.repeat(maxRequestBytes)])
  expect(large).toMatchObject({ ok: false, error: { code: 'ipc.invalid_input' } })
  const many = await sendAll('modules', 'install', [
    { requestId: 'r', granted: Array.from({ length: 200_000 }, String), start: true },
  ])
  expect(many[0]).toMatchObject({ ok: false, error: { code: 'ipc.invalid_input' } })
  const deep = await paddock.page.evaluate(() => {
    let value: unknown = 0
    for (let depth = 0; depth < 500; depth++) value = [value]
    return (window as unknown as { paddock: Bridge }).paddock.ipc['state']!['series']!(value)
  })
  expect(deep).toMatchObject({ ok: false, error: { code: 'ipc.invalid_input' } })
})

test('values that no message can carry are refused at the bridge', async () => {
  const outcome = await paddock.page.evaluate(() => {
    const { ipc } = (window as unknown as { paddock: Bridge }).paddock
    return Promise.allSettled([
      ipc['modules']!['start']!(() => undefined),
      ipc['modules']!['start']!(Symbol('name')),
      ipc['modules']!['start']!({
        get name() {
          throw new Error('no')
        },
      }),
    ]).then((all) => all.map((each) => each.status === 'rejected' || !each.value.ok))
  })
  expect(outcome).toEqual([true, true, true])
})

test('names of objects that the page sends reach nobody', async () => {
  const before = await paddock.snapshot()
  for (const input of [
    JSON.parse('{"__proto__": {"name": "x"}}') as unknown,
    JSON.parse('{"name": "x", "constructor": {"prototype": {"polluted": 1}}}') as unknown,
  ]) {
    const answer = await paddock.tryCall('modules', 'start', input)
    expect(answer.ok).toBe(false)
  }
  const polluted = await paddock.app.evaluate(() => 'polluted' in {})
  expect(polluted).toBe(false)
  expect((await paddock.snapshot()).modules).toEqual(before.modules)
})

test.describe('past the bridge', () => {
  /** Sends on the real channels from a window of ours whose preload script hands the page `invoke` itself. */
  async function invoke(requests: readonly (readonly [string, ...unknown[]])[]): Promise<unknown[]> {
    const preload = path.join(paddock.stateDir, 'raw-preload.cjs')
    await writeFile(
      preload,
      `const { contextBridge, ipcRenderer } = require('electron')
       contextBridge.exposeInMainWorld('raw', (channel, ...values) => ipcRenderer.invoke(channel, ...values))`,
    )
    return paddock.app.evaluate(
      async ({ BrowserWindow }, { preload, requests }) => {
        const window = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } })
        try {
          // The very page's address, so that only the arguments are wrong; without its scripts, which need our bridge.
          await window.loadURL('app://paddock/index.html')
          return (await window.webContents.executeJavaScript(
            `Promise.all(${JSON.stringify(requests)}.map((request) => raw(...request).catch((error) => String(error))))`,
          )) as unknown[]
        } finally {
          window.destroy()
        }
      },
      { preload, requests: requests as [string, ...unknown[]][] },
    )
  }

  test('unknown calls, wrong kinds, wrong arity and inherited names are refused', async () => {
    const requests: (readonly [string, ...unknown[]])[] = [
      [channels.call],
      [channels.call, 'state'],
      [channels.call, 'state', 'nothing'],
      [channels.call, 'nothing', 'snapshot'],
      [channels.call, 'state', 'changed', null],
      [channels.call, 'logs', 'tail', {}],
      [channels.call, 'constructor', 'name'],
      [channels.call, '__proto__', 'toString'],
      [channels.call, 'state', 'hasOwnProperty'],
      [channels.call, 1, { a: 1 }],
      [channels.call, 'state', 'snapshot', null, 'more'],
      [channels.stream, 'open', 'a', 'state', 'snapshot', null],
      [channels.stream, 'open', 'a', 'state', 'changed', null],
      [channels.stream, 'open', 'a', 'logs', 'tail', { minLevel: 'loud' }],
      [channels.stream, 'open', 'x'.repeat(33), 'logs', 'tail', {}],
      [channels.stream, 'grow', 'a', 'logs', 'tail', {}],
      [channels.stream, 'open', 7, 'logs', 'tail', {}],
    ]
    const answers = (await invoke(requests)) as Envelope[]
    expect(answers.map((answer) => (answer.ok ? 'accepted' : answer.error.code))).toEqual(
      requests.map(() => 'ipc.invalid_input'),
    )
    answers.forEach(expectNothingLeaks)
  })

  test('other channels do not exist', async () => {
    const answers = await invoke([['paddock:event'], ['electron'], ['ELECTRON_BROWSER_REQUIRE', 'fs'], ['']])
    expect(answers.every((answer) => typeof answer === 'string')).toBe(true)
  })
})

test('a fault of a handler tells the page no more than that it failed', async () => {
  for (const [group, name, input] of [
    ['modules', 'inspect', { path: path.join(root, canary), token: 't' }],
    ['modules', 'inspect', { path: '\0', token: 't' }],
    ['modules', 'watchFolder', { path: '/proc/1/root/\0' }],
    ['store', 'keys', { name: 'nobody', prefix: '', after: null, limit: 1 }],
    ['modules', 'install', { requestId: 'unknown', granted: [], start: true }],
    ['logs', 'query', { filter: { text: "' OR 1=1 --" }, before: null, limit: 1 }],
  ] as const) {
    const answer = await paddock.tryCall(group, name, input)
    expect(JSON.stringify(answer)).not.toMatch(/node:internal|\n {4}at |SQLITE|ENOENT: /)
    if (!answer.ok) expect(answer.error.code).not.toBe('internal.bug')
  }
})
