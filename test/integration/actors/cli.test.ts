import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildActors } from '../../fixtures/actors/build-actors.mjs'
import { actorBundle } from '../../support/actors.ts'
import { closeEngines, temporaryFolder } from '../../support/engine.ts'

const cli = resolve(import.meta.dirname, '../../../out/main/cli.cjs')

beforeAll(() => buildActors())
afterAll(() => closeEngines())

function paddock(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((settle) => {
    execFile(process.execPath, [cli, 'actor', ...args], (error, stdout, stderr) => {
      settle({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

describe('paddock actor', () => {
  it('keeps what was written from one command to the next, lists it, and says what was wrong in one line', async () => {
    const bundle = await actorBundle('probe')
    const state = ['--state-dir', join(await temporaryFolder(), 'state')]
    const alice = ['--key', 'alice', ...state]
    const written = await paddock(
      bundle,
      'request',
      'append',
      '--payload',
      '{"id":"one"}',
      '--json',
      ...alice,
    )
    expect(written).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(written.stdout)).toEqual({ ok: true, answer: 1 })
    const listed = await paddock(bundle, 'list', '--json', ...state)
    expect(JSON.parse(listed.stdout)).toMatchObject({ actors: [{ key: ['alice'], state: 'sleeping' }] })
    const unknown = await paddock(bundle, 'request', 'nothing', ...alice)
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toMatch(/^paddock: actor\.invalid_operation: .*\n$/)
    expect(await paddock(bundle, 'frobnicate', ...alice)).toMatchObject({ code: 2 })
  })
})
