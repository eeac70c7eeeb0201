/** The example decider in TypeScript, and the command that drives it (spec decider 13, 15, 16). */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildModule } from '../../scripts/guest-kit/build-module.mjs'
import { readWorld } from '../../src/engine/compiler/reader/read-world.ts'
import type { ExecutionOutcome } from '../../src/shared/contracts/decider.ts'
import {
  decided,
  deciderFolder,
  notDecided,
  openDecider,
  removeDeciderFolders,
  type OpenDecider,
} from '../support/deciders.ts'

const root = resolve(import.meta.dirname, '../..')
const example = join(root, 'modules/schedules-decider')
const minute = 60_000
let decider: OpenDecider

beforeAll(async () => {
  decider = await openDecider(await readFile(join(example, 'module.wasm')))
})
afterAll(async () => {
  decider.close()
  await removeDeciderFolders()
})

function send(command: string, payload: unknown): ExecutionOutcome {
  return decider.execute({
    type: `examples.schedules.${command}`,
    payload: Buffer.from(JSON.stringify(payload)),
  })
}

function data(outcome: ExecutionOutcome): unknown {
  return decided(outcome).events.map(
    ({ payload }) => JSON.parse(Buffer.from(payload).toString('utf8')) as unknown,
  )
}

function reason(outcome: ExecutionOutcome): string | undefined {
  return notDecided(outcome).failure.reason?.code
}

describe('schedules-decider', () => {
  it('imports nothing', async () => {
    expect(readWorld(await readFile(join(example, 'module.wasm'))).imports).toEqual([])
  })

  it('leads a schedule through its life', () => {
    expect(data(send('Create', { id: 'a', everyMs: minute, firstAtMs: 0, occurrences: 2 }))).toEqual([
      { everyMs: minute, firstAtMs: 0, occurrences: 2 },
    ])
    expect(reason(send('Create', { id: 'a', everyMs: minute, firstAtMs: 0 }))).toBe('schedule.exists')
    expect(data(send('RecordOccurrence', { id: 'a', atMs: 5 }))).toEqual([
      { number: 1, atMs: 5, isLast: false },
    ])
    expect(reason(send('RecordOccurrence', { id: 'a', atMs: 6 }))).toBe('schedule.too_early')
    decided(send('Pause', { id: 'a', reason: 'Wartung ü' }))
    expect(reason(send('Pause', { id: 'a' }))).toBe('schedule.paused')
    expect(reason(send('RecordOccurrence', { id: 'a', atMs: minute }))).toBe('schedule.paused')
    expect(data(send('Resume', { id: 'a', nowMs: 3 * minute + 1 }))).toEqual([
      { nextAtMs: 4 * minute, missed: 3 },
    ])
    expect(data(send('RecordOccurrence', { id: 'a', atMs: 4 * minute }))).toEqual([
      { number: 2, atMs: 4 * minute, isLast: true },
    ])
    expect(reason(send('Pause', { id: 'a' }))).toBe('schedule.completed')
    decided(send('Delete', { id: 'a' }))
    expect(reason(send('Create', { id: 'a', everyMs: minute, firstAtMs: 0 }))).toBe('schedule.deleted')
  })

  it('says why a command cannot be read, or what breaks a rule', () => {
    expect(notDecided(send('Create', { everyMs: 1 })).failure).toMatchObject({
      error: { code: 'decider.stream_id_failed' },
      reason: { code: 'bad-command', message: 'id is no text' },
    })
    const often = notDecided(send('Create', { id: 'often', everyMs: 1, firstAtMs: 0 }))
    expect(often.failure.reason).toMatchObject({
      code: 'schedule.too_often',
      details: [
        ['everyMs', '1'],
        ['shortestMs', '60000'],
      ],
    })
    expect(notDecided(send('Delete', { id: 'none' })).failure.error.code).toBe('decider.conflict')
  })

  it('snapshots every 50 occurrences, and goes on from there', () => {
    decided(send('Create', { id: 'long', everyMs: minute, firstAtMs: 0 }))
    const writes = Array.from({ length: 60 }, (_, index) =>
      decided(send('RecordOccurrence', { id: 'long', atMs: (index + 1) * minute })),
    )
    expect(writes.filter(({ stats }) => stats.snapshotWrite === 'stored')).toHaveLength(1)
    expect(writes.at(-1)?.stats).toMatchObject({ snapshotRead: 'hit' })
    expect(writes.at(-1)?.stats.replayedEvents).toBeLessThan(15)
  })
})

describe('spec decider 16: headless', () => {
  const run = promisify(execFile)
  async function paddock(
    ...args: string[]
  ): Promise<{ code: number; answer: ExecutionOutcome; stderr: string }> {
    try {
      const { stdout, stderr } = await run(process.execPath, [join(root, 'out/main/cli.cjs'), ...args])
      return { code: 0, answer: JSON.parse(stdout || 'null') as ExecutionOutcome, stderr }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { code, answer: JSON.parse(stdout === '' ? 'null' : stdout) as ExecutionOutcome, stderr }
    }
  }

  it('paddock decide prints one JSON object and exits as the table says', async () => {
    const folder = await deciderFolder()
    const create = join(folder, 'create.json')
    await writeFile(create, JSON.stringify({ id: 'cli', everyMs: minute, firstAtMs: 0 }))
    const decide = (...more: string[]) =>
      paddock('decide', example, '--state-dir', join(folder, 'state'), '--json', ...more)
    const of = (command: string, payload: string) => [
      '--type',
      `examples.schedules.${command}`,
      '--payload',
      payload,
    ]
    const id = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    const first = await decide(...of('Create', `@${create}`), '--id', id, '--stream', 'schedule-cli')
    expect(first).toMatchObject({
      code: 0,
      answer: { outcome: 'decided', duplicate: false, lastRevision: 1 },
    })
    expect(await decide(...of('Create', `@${create}`), '--id', id)).toMatchObject({
      code: 0,
      answer: { duplicate: true, events: [{ json: { everyMs: minute } }] },
    })
    expect(await decide(...of('Create', `@${create}`))).toMatchObject({
      code: 1,
      answer: { outcome: 'rejected' },
    })
    const dry = await decide(...of('Pause', '{"id":"cli"}'), '--dry-run')
    expect(dry).toMatchObject({ code: 0, answer: { outcome: 'decided', events: [{ revision: null }] } })
    expect(await decide(...of('Pause', '{"id":"cli"}'), '--expect', '7')).toMatchObject({
      code: 1,
      answer: { failure: { error: { code: 'decider.precondition_unsatisfiable' } } },
    })
    expect(await decide(...of('Nothing', '{}'))).toMatchObject({ code: 2 })
    expect((await decide(...of('Pause', '{"id":"cli"}'), '--stream', 'other')).stderr).toContain(
      'schedule-cli',
    )
  })
})

describe("the template of the author's guide", () => {
  it('works when pasted', async () => {
    const guide = await readFile(join(root, 'docs/module-authors.md'), 'utf8')
    const section = guide.slice(guide.indexOf('## Writing a decider'))
    const toml = /```toml\n([\s\S]*?)```/.exec(section)?.[1]
    const source = /```ts\n([\s\S]*?)```/.exec(section)?.[1]
    expect(toml).toBeDefined()
    expect(source).toBeDefined()
    const folder = join(await deciderFolder(), 'pasted')
    await mkdir(join(folder, 'src'), { recursive: true })
    await writeFile(join(folder, 'paddock.toml'), toml ?? '')
    await writeFile(join(folder, 'src/index.ts'), source ?? '')
    const { output } = await buildModule({ folder })
    await copyFile(output, join(folder, 'copy.wasm'))
    const pasted = await openDecider(await readFile(output))
    const withdraw = (amount: number): ExecutionOutcome =>
      pasted.execute({
        type: 'bank.Withdraw',
        payload: Buffer.from(JSON.stringify({ account: 'a', amount })),
      })
    decided(pasted.execute({ type: 'bank.Deposit', payload: Buffer.from('{"account":"a","amount":5}') }))
    decided(withdraw(3))
    expect(notDecided(withdraw(3)).failure.reason).toMatchObject({
      code: 'account.empty',
      details: [['balance', '2']],
    })
    pasted.close()
  })
})
