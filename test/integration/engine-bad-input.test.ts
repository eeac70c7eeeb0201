import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/shared/errors.ts'
import { storePath } from '../../src/engine/modules/store-path.ts'
import { buildFixtures, fixturesFolder } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  faultOf,
  startEngine,
  temporaryFolder,
  type BundleManifest,
  type TestEngine,
} from '../support/engine.ts'

// One engine for all of it: whatever it is given, its other module must go on with every block.
let anvil: Anvil
let test: TestEngine
let head = 0

beforeAll(async () => {
  await buildFixtures()
  anvil = await new Anvil().start(join(await temporaryFolder(), 'state.json'))
  test = await startEngine({ chains: [chainOf(anvil.ws)] })
  await test.load(await bundleOf('counter', { name: 'bystander' }))
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
})

afterAll(async () => {
  await closeEngines()
  await anvil.end('SIGKILL')
})

async function mineOne(): Promise<void> {
  await anvil.mine(1)
  head += 1
  await test.whenCommitted('bystander', head)
}

/** The module that was there before runs on, and nothing else was left behind. */
async function expectUnaffected(): Promise<void> {
  await mineOne()
  expect(test.view('bystander')).toMatchObject({
    run: 1,
    restarts: 0,
    lastError: null,
    status: { state: 'running' },
  })
  expect(test.view('bystander').usage).toMatchObject({ dispatches: head, dropped: 0, failed: 0 })
}

async function withComponent(bytes: Uint8Array | string): Promise<string> {
  const bundle = await bundleOf('echo')
  await writeFile(join(bundle, 'module.wasm'), bytes)
  return bundle
}

async function withManifest(text: string): Promise<string> {
  const bundle = await bundleOf('echo')
  await writeFile(join(bundle, 'paddock.toml'), text)
  return bundle
}

const fixtureBytes = (name: string): Promise<Buffer> => readFile(join(fixturesFolder, `${name}.wasm`))

describe('a bundle that cannot be loaded', () => {
  interface Case {
    readonly what: string
    readonly bundle: () => Promise<string>
    readonly code: ErrorCode
    /** What the message names. */
    readonly names: RegExp
    readonly details?: Record<string, unknown>
  }
  const manifestOf = (manifest: BundleManifest) => () => bundleOf('echo', manifest)
  const cases: Case[] = [
    {
      what: 'is not there',
      bundle: async () => join(await temporaryFolder(), 'nowhere'),
      code: 'bundle.not_found',
      names: /nowhere/,
    },
    {
      what: 'holds no component',
      bundle: async () => {
        const bundle = await bundleOf('echo')
        await rm(join(bundle, 'module.wasm'))
        return bundle
      },
      code: 'bundle.no_component',
      names: /module\.wasm/,
    },
    {
      what: 'is not wasm',
      bundle: () => withComponent('hello'),
      code: 'component.not_wasm',
      names: /module\.wasm|WebAssembly/,
    },
    {
      what: 'is empty',
      bundle: () => withComponent(''),
      code: 'component.not_wasm',
      names: /module\.wasm|WebAssembly/,
    },
    {
      what: 'is a core module',
      bundle: async () => withComponent(await fixtureBytes('core')),
      code: 'component.core_module',
      names: /core WebAssembly module/,
    },
    {
      what: 'is a truncated component',
      bundle: async () => {
        const bundle = await bundleOf('echo')
        await truncate(join(bundle, 'module.wasm'), (await fixtureBytes('echo')).length - 100)
        return bundle
      },
      code: 'component.truncated',
      names: /ends|truncated|cut/i,
    },
    {
      what: 'imports what nobody provides',
      bundle: () => bundleOf('wants-unknown'),
      code: 'component.unknown_imports',
      names: /acme:rocket\/launch@1\.0\.0/,
      details: { imports: ['acme:rocket/launch@1.0.0'] },
    },
    {
      what: 'matches no contract',
      bundle: () => bundleOf('no-contract'),
      code: 'component.invalid_world',
      names: /hello|contract/,
    },
    {
      what: 'exports a part of a contract only',
      bundle: () => bundleOf('init-only'),
      code: 'component.invalid_world',
      names: /init/,
    },
    {
      what: 'speaks a dialect',
      bundle: () => bundleOf('dialect'),
      code: 'component.unsupported_dialect',
      names: /nexum:host|event/,
    },
    {
      what: 'has no manifest',
      bundle: async () => {
        const bundle = await bundleOf('echo')
        await rm(join(bundle, 'paddock.toml'))
        return bundle
      },
      code: 'manifest.missing',
      names: /paddock\.toml/,
    },
    {
      what: 'has a manifest that is no TOML',
      bundle: () => withManifest('[module\nname = '),
      code: 'manifest.syntax',
      names: /paddock\.toml/,
    },
    {
      what: 'has an unknown key',
      bundle: manifestOf({ module: { nmae: 'x' } }),
      code: 'manifest.unknown_key',
      names: /nmae/,
    },
    {
      what: 'has an unknown capability',
      bundle: manifestOf({ required: ['local-store', 'teleport'] }),
      code: 'manifest.unknown_capability',
      names: /teleport/,
    },
    {
      what: 'has a wrong type',
      bundle: () => withManifest('[module]\nname = 7\n'),
      code: 'manifest.wrong_type',
      names: /name/,
    },
    {
      what: 'has a name that is a path',
      bundle: () => withManifest('[module]\nname = "../evil"\ncomponent = "module.wasm"\n'),
      code: 'manifest.bad_name',
      names: /module\.name/,
    },
    {
      what: 'has a bad schedule',
      bundle: manifestOf({ more: '[[subscription]]\nkind = "cron"\nschedule = "every day"' }),
      code: 'manifest.bad_subscription',
      names: /schedule/,
    },
    {
      what: 'is another file than its manifest pins',
      bundle: manifestOf({ module: { digest: `sha256:${'ab'.repeat(32)}` } }),
      code: 'component.digest_mismatch',
      names: /sha256:|abab/,
    },
    {
      what: 'imports what it does not declare',
      bundle: manifestOf({ required: [] }),
      code: 'component.capability_violation',
      names: /local-store/,
    },
  ]

  it.each(cases)('$what: $code', async ({ bundle, code, names, details }) => {
    const path = await bundle()
    const fault = await faultOf(test.load(path))
    expect(fault.code).toBe(code)
    expect(fault.message).toMatch(names)
    expect(fault.message).not.toContain('\n')
    expect(fault.remedy).not.toBe('')
    if (details !== undefined) expect(fault.details).toMatchObject(details)
    expect(test.engine.modules.views().map((module) => module.name)).toEqual(['bystander'])
    expect(test.settings.get().modules.map((module) => module.name)).toEqual(['bystander'])
    await expectUnaffected()
  })

  it('is loaded when it is the file its manifest pins', async () => {
    const digest = createHash('sha256')
      .update(await fixtureBytes('echo'))
      .digest('hex')
    await test.load(await bundleOf('echo', { module: { digest: `sha256:${digest}` } }))
    expect(test.view('echo')).toMatchObject({ pinned: true, status: { state: 'running' } })
    await test.engine.modules.remove('echo', true)
  })

  it('has the name of another module', async () => {
    const fault = await faultOf(test.load(await bundleOf('echo', { name: 'bystander' })))
    expect(fault).toMatchObject({
      code: 'module.duplicate',
      message: expect.stringContaining('bystander') as string,
    })
    expect(test.view('bystander').run).toBe(1)
    await expectUnaffected()
  })
})

describe('a store file', () => {
  /** A stopped module that has a store; answers its file. */
  async function stopped(name: string): Promise<string> {
    await test.load(await bundleOf('echo', { name }))
    await mineOne()
    await test.whenCommitted(name, head)
    await test.engine.modules.stop(name)
    return storePath(join(test.stateDir, 'stores'), name)
  }

  it('that is damaged is kept aside, and the module starts on an empty one with a warning', async () => {
    const file = await stopped('damaged')
    await writeFile(file, Buffer.alloc(8_192, 'not a database'))
    await test.engine.modules.start('damaged')
    expect(test.state('damaged')).toBe('running')
    expect(await test.stored('damaged', 'echo/number')).toBeNull()
    const kept = (await readdir(dirname(file))).filter((each) => each.includes('.corrupt-'))
    expect(kept).toHaveLength(1)
    const page = await test.engine.logs.query({ module: 'damaged', minLevel: 'warn' }, null, 10)
    expect(page.records).toMatchObject([{ event: 'store_warning', code: 'store.corrupt', source: 'engine' }])
    expect(page.records[0]?.message).toContain(kept[0])
    const { activity } = test.engine.state.snapshot()
    expect(activity).toContainEqual(
      expect.objectContaining({ subject: 'damaged', event: 'store_warning', severity: 'warn' }),
    )
    await expectUnaffected()
    await test.engine.modules.remove('damaged', true)
  })

  it('of another program stays as it is, and the module is dead', async () => {
    const file = await stopped('foreign')
    await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(file + suffix, { force: true })))
    const database = new Database(file)
    database.exec('CREATE TABLE accounts (name TEXT); INSERT INTO accounts VALUES (1)')
    database.close()
    const before = await readFile(file)
    await test.engine.modules.start('foreign')
    expect(test.view('foreign').status).toMatchObject({ state: 'dead', error: { code: 'store.foreign' } })
    expect((await readFile(file)).equals(before)).toBe(true)
    await expectUnaffected()
    await test.engine.modules.remove('foreign', false)
  })

  it('whose place is a folder is tried again, and works when the folder is gone', async () => {
    const file = await stopped('blocked')
    await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(file + suffix, { force: true })))
    await mkdir(file)
    await test.engine.modules.start('blocked')
    await test.whenState('blocked', 'dead')
    expect(test.view('blocked').lastError?.error.code).toBe('store.open_failed')
    await rm(file, { recursive: true })
    await test.engine.modules.start('blocked')
    await test.whenState('blocked', 'running')
    await expectUnaffected()
    await test.engine.modules.remove('blocked', true)
  })
})

describe('a state directory', () => {
  it('that cannot be made is one clear error', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    const fault = await faultOf(startEngine({ stateDir: join(file, 'state') }))
    expect(fault.code).toBe('state.unwritable')
    expect(fault.message).toContain(join(file, 'state'))
  })
})
