import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  encodeAbiParameters,
  encodeFunctionData,
  keccak256,
  pad,
  parseAbi,
  stringToHex,
  toEventSelector,
  type Hex,
} from 'viem'
import { namehash, packetToBytes } from 'viem/ens'
import { bytesToHex } from 'viem/utils'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { swarmAddress } from '../../src/engine/capabilities/remote-store/swarm/tree.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { AnswerBook } from '../support/answer-book.ts'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../support/engine.ts'
import { LocalWeb } from '../support/local-web.ts'
import { until } from '../support/until.ts'

const abi = parseAbi([
  'function resolver(bytes32 node) view returns (address)',
  'function supportsInterface(bytes4 id) view returns (bool)',
  'function contenthash(bytes32 node) view returns (bytes)',
  'function text(bytes32 node, string key) view returns (string)',
  'function resolve(bytes name, bytes data) view returns (bytes)',
])
const registered = toEventSelector('ModuleRegistered(string,string,address)')
const removed = toEventSelector('ModuleRemoved(string,string)')
const textChanged = toEventSelector('TextChanged(bytes32,string,string,string)')
const publisher = pad('0x01')

let anvil: Anvil
let web: LocalWeb
let book: AnswerBook

beforeAll(async () => {
  await buildFixtures()
  anvil = await new Anvil().start(join(await temporaryFolder(), 'state.json'))
})
afterAll(() => anvil.end('SIGKILL'))
beforeEach(async () => {
  web = await new LocalWeb().start()
  book = await AnswerBook.deploy(anvil)
})
afterEach(async () => {
  await closeEngines()
  await web.stop()
})

/** Packs a bundle, puts it on the local Swarm gateway and answers its address. */
async function publish(name: string, change: Parameters<typeof bundleOf>[1] = {}): Promise<string> {
  const folder = await bundleOf('counter', { name, chainId: null, ...change })
  const archive = join(await temporaryFolder(), 'bundle.tar.gz')
  await promisify(execFile)('tar', ['czf', archive, '-C', folder, '.'])
  const bytes = await readFile(archive)
  const address = Buffer.from(swarmAddress(bytes)).toString('hex')
  const before = web.handler
  web.handler = (request, response) => {
    if (request.url === `/bytes/${address}`) response.end(bytes)
    else before(request, response)
  }
  return address
}

const contenthash = (address: string): Hex =>
  encodeAbiParameters([{ type: 'bytes' }], [`0xe40101fa011b20${address}`])
const addressWord = (address: Hex): Hex => pad(address)

async function setRecord(name: string, address: string): Promise<void> {
  const node = namehash(name)
  const { address: at } = book
  await book.answer(encodeFunctionData({ abi, functionName: 'resolver', args: [node] }), addressWord(at))
  await book.answer(
    encodeFunctionData({ abi, functionName: 'contenthash', args: [node] }),
    contenthash(address),
  )
}

function engineWith(
  discovery: Record<string, unknown>,
  sources: Record<string, unknown>[],
): Promise<TestEngine> {
  return startEngine({
    settings: memorySettings(
      settingsSchema.parse({
        devnet: { autoStart: false },
        chains: [chainOf(anvil.http)],
        operator: {
          content: { sources: [{ kind: 'bzz', url: `http://127.0.0.1:${web.port}` }] },
          discovery: {
            ...discovery,
            sources: sources.map((source) => ({ chainId: '31337', pollIntervalMs: 20, ...source })),
          },
        },
      }),
    ),
  })
}

const notices = (test: TestEngine): string[] =>
  test.engine.state.snapshot().notices.map(({ id, error }) => `${id}: ${error.code}`)
const names = (test: TestEngine): string[] => test.engine.modules.views().map(({ name }) => name)

describe('spec nexum-host 18 row 75: discovery', () => {
  it('brings an ENS contenthash to a running module, and follows its record', async () => {
    const name = 'watch.example.eth'
    await setRecord(name, await publish('watch', { version: '1.0.0' }))
    const test = await engineWith({ allowedEnsNames: [name], resourceLimits: { fuelPerEvent: 5_000_000 } }, [
      { source: 'ens', name, registry: book.address },
    ])
    await until(() => expect(test.state('watch')).toBe('running'))
    expect(test.view('watch')).toMatchObject({ version: '1.0.0', limits: { fuelPerCall: 5_000_000 } })
    expect(test.view('watch').bundlePath).toMatch(/^bzz:[0-9a-f]{64}$/)
    await setRecord(name, await publish('watch', { version: '1.1.0' }))
    await until(() =>
      expect(test.view('watch')).toMatchObject({ version: '1.1.0', status: { state: 'running' } }),
    )
    // An update that asks for more waits; the one before runs on.
    await setRecord(
      name,
      await publish('watch', {
        version: '2.0.0',
        optional: ['http'],
        more: '[capabilities.http]\nallow = ["a.example"]',
      }),
    )
    await until(() => expect(notices(test)).toContain('consent watch: module.consent_required'))
    expect(test.view('watch')).toMatchObject({ version: '1.1.0', status: { state: 'running' } })
    const pending = test.engine.modules.pendingOf('watch')
    await test.engine.modules.install(
      pending!.requestId,
      pending!.asks.map((ask) => ask.capability),
      true,
    )
    expect(test.view('watch')).toMatchObject({ version: '2.0.0', status: { state: 'running' } })
  })

  it('stages a name that is not listed', async () => {
    const name = 'other.example.eth'
    const address = await publish('other')
    await setRecord(name, address)
    const test = await engineWith({ allowedEnsNames: ['watch.example.eth'] }, [
      { source: 'ens', name, registry: book.address },
    ])
    const waiting = `discovered ens 31337 ${name}: module.consent_required`
    await until(() => expect(notices(test)).toContain(waiting))
    expect(names(test)).toEqual([])
    // The operator looks at it and takes it in.
    await test.load(`bzz:${address}`)
    await until(() => expect(test.state('other')).toBe('running'))
    expect(test.settings.get().modules[0]).toMatchObject({ discoveredBy: `ens 31337 ${name}` })
  })

  it('asks the resolver of the parent for a wildcard name', async () => {
    const name = 'sub.wild.eth'
    const query = encodeFunctionData({ abi, functionName: 'contenthash', args: [namehash(name)] })
    const supports = encodeFunctionData({ abi, functionName: 'supportsInterface', args: ['0x9061b923'] })
    const resolve = encodeFunctionData({
      abi,
      functionName: 'resolve',
      args: [bytesToHex(packetToBytes(name)), query],
    })
    const parent = encodeFunctionData({ abi, functionName: 'resolver', args: [namehash('wild.eth')] })
    await book.answer(parent, addressWord(book.address))
    await book.answer(supports, pad('0x01'))
    const inner = contenthash(await publish('wild'))
    await book.answer(resolve, encodeAbiParameters([{ type: 'bytes' }], [inner]))
    const test = await engineWith({ mode: 'auto' }, [{ source: 'ens', name, registry: book.address }])
    await until(() => expect(test.state('wild')).toBe('running'))
  })

  it('refuses contents of another kind, and says so', async () => {
    const name = 'site.example.eth'
    const node = namehash(name)
    await setRecord(name, 'aa'.repeat(32))
    const onion = encodeAbiParameters([{ type: 'bytes' }], ['0xbc03b32a'])
    await book.answer(encodeFunctionData({ abi, functionName: 'contenthash', args: [node] }), onion)
    const test = await engineWith({ mode: 'auto' }, [{ source: 'ens', name, registry: book.address }])
    await until(() => expect(notices(test)).toContain(`discovery ens 31337 ${name}: discovery.unsupported`))
  })

  it('loads what a registry announces, and stops what it takes back, keeping its state', async () => {
    const id = keccak256(stringToHex('listed'))
    const address = await publish('listed')
    const test = await engineWith({ allowedRegistries: [book.address] }, [
      { source: 'registry', contract: book.address },
    ])
    await book.emit([registered, id, publisher], `bzz:${address}`)
    await until(() => expect(test.state('listed')).toBe('running'))
    await book.emit([removed, id], 'listed')
    await until(() => expect(test.state('listed')).toBe('stopped'))
    expect(names(test)).toEqual(['listed'])
    await book.emit([registered, id, publisher], `bzz:${address}`)
    await until(() => expect(test.state('listed')).toBe('running'))
  })

  it('takes no path of this machine from a publisher', async () => {
    const folder = await bundleOf('counter', { name: 'planted', chainId: null })
    const test = await engineWith({ mode: 'auto' }, [{ source: 'registry', contract: book.address }])
    await book.emit([registered, keccak256(stringToHex('planted')), publisher], folder)
    const refused = `discovery registry 31337 ${book.address} refused: content.bad_reference`
    await until(() => expect(notices(test)).toContain(refused))
    expect(names(test)).toEqual([])
  })

  it('neither starts nor stops what the operator brought in, whoever announces it', async () => {
    const reference = `bzz:${await publish('own')}`
    const id = keccak256(stringToHex('own'))
    const test = await engineWith({}, [{ source: 'registry', contract: book.address }])
    await test.load(reference)
    await test.engine.modules.stop('own')
    const marker = async (name: string): Promise<void> => {
      await book.emit([registered, keccak256(stringToHex(name)), publisher], `bzz:${await publish(name)}`)
      const waits = `${keccak256(stringToHex(name))}: module.consent_required`
      await until(() => expect(notices(test).some((each) => each.endsWith(waits))).toBe(true))
    }
    await book.emit([registered, id, publisher], reference)
    await marker('first')
    expect(test.state('own')).toBe('stopped')
    await test.engine.modules.start('own')
    await book.emit([removed, id], 'own')
    await marker('second')
    expect(test.state('own')).toBe('running')
  })

  it('goes on where it was after a restart, and does not bring back what the operator removed', async () => {
    const id = keccak256(stringToHex('listed'))
    await book.emit([registered, id, publisher], `bzz:${await publish('listed')}`)
    const sources = [{ source: 'registry', contract: book.address }]
    const first = await engineWith({ mode: 'auto' }, sources)
    await until(() => expect(first.state('listed')).toBe('running'))
    await first.engine.modules.remove('listed', false)
    await first.engine.shutdown()
    const second = await startEngine({ stateDir: first.stateDir, settings: first.settings })
    await book.emit([registered, keccak256(stringToHex('more')), publisher], `bzz:${await publish('more')}`)
    await until(() => expect(second.state('more')).toBe('running'))
    expect(names(second)).toEqual(['more'])
  })

  it('follows the text record of a resolver, and tries again what could not be fetched', async () => {
    const name = 'text.example.eth'
    const node = namehash(name)
    const key = 'shepherd.module'
    const address = await publish('text')
    const record = encodeAbiParameters([{ type: 'string' }], [`bzz:${address}`])
    await book.answer(encodeFunctionData({ abi, functionName: 'text', args: [node, key] }), record)
    const { handler } = web
    web.handler = (_request, response) => {
      response.statusCode = 503
      response.end()
    }
    const test = await engineWith({ allowedEnsNames: [name] }, [
      { source: 'ens-watch', resolver: book.address },
    ])
    await book.emit([textChanged, node, keccak256(stringToHex('avatar'))], 'avatar', 'x')
    await book.emit([textChanged, node, keccak256(stringToHex(key))], key, `bzz:${address}`)
    await until(() => expect(notices(test).some((each) => each.endsWith('content.unreachable'))).toBe(true))
    web.handler = handler
    await until(() => expect(test.state('text')).toBe('running'))
  })
})
