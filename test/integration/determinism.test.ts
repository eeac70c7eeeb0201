import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildModules } from '../../scripts/build-modules.mjs'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { endingsOf, fuelOfCalls, secondRuntime, type SecondRuntime } from '../support/determinism.ts'

const noSecond = 'no Electron can be had on this machine: there is no second V8 to compare with'
let second: SecondRuntime | undefined
let artifacts: string

beforeAll(async () => {
  await buildFixtures()
  await buildModules()
  second = await secondRuntime()
  artifacts = await mkdtemp(join(tmpdir(), 'paddock-artifacts-'))
})
afterAll(() => rm(artifacts, { recursive: true, force: true }))

it('spec nexum-host 18 row 70: 20 calls use the same fuel on Node and on Electron’s Node, another V8', async ({
  skip,
}) => {
  if (second === undefined) return skip(noSecond)
  expect(second.version).not.toBe(process.versions.v8)
  const here = await fuelOfCalls(process.execPath, artifacts)
  expect(here).toHaveLength(20)
  expect(here.every(({ fuel }) => fuel !== null && fuel > 0)).toBe(true)
  expect(await fuelOfCalls(second.executable, artifacts)).toEqual(here)
})

const endings = {
  unreachable: 'sandbox.trap',
  'the stack used up': 'sandbox.trap',
  'fuel used up in a loop': 'sandbox.out_of_fuel',
  'fuel used up in a recursion': 'sandbox.out_of_fuel',
}

it('want of fuel is told apart from a trap and from the end of the stack', async () => {
  expect(await endingsOf(process.execPath, artifacts)).toEqual(endings)
})

it('and so it is on Electron’s Node', async ({ skip }) => {
  if (second === undefined) return skip(noSecond)
  expect(await endingsOf(second.executable, artifacts)).toEqual(endings)
})
