import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { componentEmbed, componentNew, componentWit } from '@bytecodealliance/jco-transpile/wasm-tools'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { buildModules } from '../../scripts/build-modules.mjs'
import { buildModule } from '../../scripts/guest-kit/build-module.mjs'
import type { LogRecord } from '../../src/shared/domain/log.ts'
import { buildFixtures, fixturesFolder } from '../fixtures/build-fixtures.mjs'
import {
  bundleOf,
  chainOf,
  closeEngines,
  faultOf,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'
import { LocalNode } from '../support/local-node.ts'
import { artifactOf, block, SandboxProcess } from '../support/sandbox-process.ts'
import { until } from '../support/until.ts'

const wit = resolve(import.meta.dirname, '../../resources/wit')

let node: LocalNode

beforeAll(async () => {
  await buildFixtures()
  await buildModules()
})

afterEach(async () => {
  await closeEngines()
  await (node as LocalNode | undefined)?.stop()
})

async function running(bundle: string, name: string): Promise<{ test: TestEngine; lines: LogRecord[] }> {
  node = await new LocalNode().start()
  node.chainId = 31_337
  const test = await startEngine({ chains: [chainOf(node.ws)] })
  const lines: LogRecord[] = []
  test.engine.logs.follow({ module: name }, (records) => lines.push(...records))
  await test.load(bundle)
  await test.whenState(name, 'running')
  await until(() => {
    node.mine()
    expect(test.committed(name).length).toBeGreaterThan(0)
  })
  return { test, lines }
}

describe('spec nexum-host 18 row 1: contract text', () => {
  const tokensOf = (text: string): string[] =>
    text.replaceAll(/\/\/.*$/gm, '').match(/[\w-]+|->|[^\s\w]/g) ?? []

  async function textsIn(folder: string): Promise<[string, string][]> {
    const files = (await readdir(folder)).filter((file) => file.endsWith('.wit')).sort()
    return Promise.all(
      files.map(async (file): Promise<[string, string]> => [
        file,
        await readFile(join(folder, file), 'utf8'),
      ]),
    )
  }

  /** The package of a folder as a nested one, for a source of several packages. */
  async function nested(folder: string): Promise<string> {
    const texts = await textsIn(join(wit, folder))
    const [name] = /^package [^;]+/m.exec(texts[0]?.[1] ?? '') ?? []
    const bodies = texts.map(([, text]) => text.replace(/^package [^;]+;/m, ''))
    return `${name} {\n${bodies.join('\n')}\n}`
  }

  it.each(['nexum:host/event-module@0.2.0', 'nexum:host/query-module@0.2.0', 'shepherd:cow/shepherd@0.2.0'])(
    '%s resolves',
    async (world) => {
      const witSource = [
        'package test:resolve;',
        `world all { include ${world}; }`,
        await nested('nexum-host'),
        await nested('shepherd-cow'),
      ].join('\n')
      const component = await componentNew(await componentEmbed({ dummy: true, witSource, world: 'all' }))
      expect(await componentWit(component)).toContain('export init: func')
    },
  )

  it('the packages have the tokens of 0.2.0', async () => {
    const digest = async (folder: string): Promise<string> => {
      const hash = createHash('sha256')
      for (const [, text] of await textsIn(join(wit, folder))) hash.update(tokensOf(text).join(' '))
      return hash.digest('hex')
    }
    expect(await digest('nexum-host')).toBe(
      'f96b3423f3b285b7380712611a6931761500b30892643b356b4f79cb4c7328ad',
    )
    expect(await digest('shepherd-cow')).toBe(
      'ea4a513a1e6a4dc5158ef183c47dd44355259e1d0f1b9a9c75e0946af7559383',
    )
  })

  it('the copy that the second package depends on is the first', async () => {
    expect(await textsIn(join(wit, 'shepherd-cow/deps/nexum-host'))).toEqual(
      await textsIn(join(wit, 'nexum-host')),
    )
  })
})

describe('spec nexum-host 18 row 3: versions and dialects', () => {
  it('WASI 0.2.3 and 0.2.12 run side by side in one component', async () => {
    const report = await componentWit(await readFile(join(fixturesFolder, 'wasi-mixed.wasm')))
    expect(report).toContain('wasi:cli/stdout@0.2.3')
    expect(report).toContain('wasi:cli/stderr@0.2.12')
    const { lines } = await running(await bundleOf('wasi-mixed'), 'wasi-mixed')
    const printed = lines.map(({ source, level, message }) => `${source} ${level} ${message}`)
    expect(printed).toContain('stdout info hello from wasi')
    expect(printed).toContain('stdout info environment 0')
    expect(printed).toContain('stderr warn oops')
  })

  it('an event with the case chain-logs is refused by its name, and the engine stays up', async () => {
    const test = await startEngine()
    const fault = await faultOf(test.load(await bundleOf('dialect', { chainId: null })))
    expect(fault.code).toBe('component.unsupported_dialect')
    expect(fault.message).toContain('chain-logs')
    await test.load(await bundleOf('query', { chainId: null }))
    expect(test.state('query')).toBe('running')
  })
})

describe('spec nexum-host 18 row 4: value mapping', () => {
  it('a guest sees chain id and number of 64 bits, a level by name, and an error kind comes back', async () => {
    const folder = await temporaryFolder()
    const artifact = await artifactOf(join(fixturesFolder, 'round-trip.wasm'), join(folder, 'artifacts'))
    const sandbox = new SandboxProcess()
    try {
      const loaded = await sandbox.load({
        artifactDirectory: artifact,
        storePath: join(folder, 'store.db'),
      })
      expect(loaded.ok).toBe(true)
      await sandbox.init()
      const small = { ...block(7), val: { ...block(7).val, number: 2n ** 64n - 2n } }
      expect((await sandbox.call('on-event', small)).outcome.status).toBe('ok')
      const largest = { ...block(7), val: { ...block(7).val, number: 2n ** 64n - 1n } }
      expect((await sandbox.call('on-event', largest)).outcome).toMatchObject({
        status: 'guest-error',
        error: { domain: 'local-store', kind: 'invalid-input', code: 0 },
      })
      expect(sandbox.logs.map(({ level, message }) => `${level} ${message}`)).toContain('warn level')
    } finally {
      await sandbox.stop()
    }
  })

  it('the largest chain id reaches the store of a guest digit by digit', async () => {
    const chainId = '18446744073709551615'
    node = await new LocalNode().start()
    node.answers.set('eth_chainId', '"result":"0xffffffffffffffff"')
    const test = await startEngine({ chains: [chainOf(node.ws, chainId)] })
    const bundle = await bundleOf('round-trip', { chainId: null })
    const manifest = join(bundle, 'paddock.toml')
    const text = await readFile(manifest, 'utf8')
    await writeFile(manifest, `${text}\n[[subscription]]\nkind = "block"\nchain_id = ${chainId}\n`)
    await test.load(bundle)
    await test.whenState('round-trip', 'running')
    await until(() => {
      node.mine()
      expect(test.committed('round-trip').length).toBeGreaterThan(0)
    })
    expect(await test.stored('round-trip', 'chain')).toBe(chainId)
  })
})

describe('spec nexum-host 18 row 6: elision', () => {
  const everything = [
    'chain',
    'clock',
    'http',
    'identity',
    'local-store',
    'logging',
    'messaging',
    'random',
    'remote-store',
  ]

  async function scripted(capabilities: readonly string[]): Promise<string> {
    const folder = join(await temporaryFolder(), 'scripted')
    await mkdir(join(folder, 'src'), { recursive: true })
    await writeFile(
      join(folder, 'src/index.ts'),
      "import { log } from 'nexum:host/logging@0.2.0'\n" +
        'export function init(): void {}\n' +
        "export function onEvent(): void { log('info', 'scripted') }\n",
    )
    await manifestFor(folder, capabilities)
    await buildModule({ folder })
    return folder
  }

  function manifestFor(folder: string, capabilities: readonly string[]): Promise<void> {
    const text = [
      '[module]',
      'name = "scripted"',
      'version = "1.0.0"',
      'component = "module.wasm"',
      '[capabilities]',
      `required = ${JSON.stringify(capabilities)}`,
      '[[subscription]]',
      'kind = "block"',
      'chain_id = 31337',
    ]
    return writeFile(join(folder, 'paddock.toml'), text.join('\n'))
  }

  it('a script built for the full world is a violation, the same one for its own world loads', async () => {
    const full = await scripted(everything)
    await manifestFor(full, ['logging'])
    const test = await startEngine()
    const fault = await faultOf(test.load(full))
    expect(fault.code).toBe('component.capability_violation')
    expect(fault.message).toMatch(/chain.*nexum:host\/chain@0\.2\.0|nexum:host\/chain@0\.2\.0.*chain/)
    await closeEngines()
    // Built for the world that its manifest makes: two interfaces of nine.
    const { lines } = await running(
      resolve(import.meta.dirname, '../../modules/block-logger'),
      'block-logger',
    )
    expect(lines.some(({ message }) => message.startsWith('block '))).toBe(true)
  })
})

it('a copy of a component without a manifest has no capabilities beyond its own', async () => {
  const folder = await temporaryFolder()
  await copyFile(join(fixturesFolder, 'query.wasm'), join(folder, 'query.wasm'))
  const test = await startEngine()
  await test.load(join(folder, 'query.wasm'))
  expect(test.engine.modules.views().map(({ status }) => status.state)).toEqual(['running'])
})
