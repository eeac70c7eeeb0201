/** `paddock check` on a decider of ours, as an author runs it (spec decider 13). */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'

const repository = resolve(import.meta.dirname, '../..')
const decider = join(repository, 'modules/schedules-decider')
const suite = join(decider, 'suite.yaml')
const folder = mkdtempSync(join(tmpdir(), 'paddock-check-cli-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function paddock(...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [join(repository, 'bin/paddock.mjs'), ...args], (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    )
  })
}

it('says of every check how it went, one JSON object a line, and of the streams that a store holds', async () => {
  const create = { id: 'a', everyMs: 60_000, firstAtMs: 0 }
  const decided = await paddock(
    'decide',
    decider,
    '--state-dir',
    folder,
    '--type',
    'examples.schedules.Create',
    '--payload',
    JSON.stringify(create),
    '--json',
  )
  expect(decided.code, decided.stderr).toBe(0)
  const store = join(folder, 'found.db')
  const copied = await paddock('events', decider, '--state-dir', folder, '--backup', store)
  expect(copied.code, copied.stderr).toBe(0)

  const checked = await paddock(
    'check',
    decider,
    '--suite',
    suite,
    '--from-store',
    store,
    '--against',
    decider,
    '--json',
  )
  expect(checked.code, checked.stdout).toBe(0)
  const lines = checked.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines.at(-1)).toMatchObject({ kind: 'check.end', ok: true, failed: 0, warned: 0, skipped: 0 })
  expect(lines.find((line) => line['id'] === 'D16')).toMatchObject({
    verdict: 'pass',
    message: '1 stream replayed',
  })
})

it('exits with 1 when a scenario fails, as TAP, and with 2 for a suite that is none', async () => {
  const failing = join(folder, 'failing.json')
  writeFileSync(
    failing,
    JSON.stringify({
      suite: 'examples.schedules',
      scenarios: [
        {
          name: 'nothing is there',
          when: { type: 'examples.schedules.Pause', json: { id: 'a' } },
          then: { rejected: false },
        },
      ],
    }),
  )
  const failed = await paddock('check', decider, '--suite', failing, '--no-strict', '--format', 'tap')
  expect(failed.code, failed.stdout).toBe(1)
  expect(failed.stdout).toMatch(/^not ok 17 - S nothing is there$/m)
  expect(failed.stdout).toMatch(/^1\.\.17$/m)

  writeFileSync(failing, 'suite: examples.schedules\nscenarios: [{ name: x, when: { type: y } }]\n')
  const refused = await paddock('check', decider, '--suite', failing)
  expect(refused.code).toBe(2)
  expect(refused.stdout).toContain('scenarios.0: a scenario has either when and then, or steps')
})
