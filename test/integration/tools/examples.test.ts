/** The example tools as an operator uses them: the built command, a real chain, real servers. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildModules } from '../../../scripts/build-modules.mjs'
import { Anvil } from '../../support/anvil.ts'
import { closeEngines, temporaryFolder } from '../../support/engine.ts'
import { LocalWeb } from '../../support/local-web.ts'
import { paddock, type Ran } from '../../support/paddock-command.ts'

const modules = resolve(import.meta.dirname, '../../../modules')
const key = 'k3y-0f.the_0perator~42'
const account = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const contract = '0x00000000000000000000000000000000000c0de5'
/** Answers the first argument of its call. */
const echo = '0x60043560005260206000f3'
/** Answers the text `Ether` as the ABI has it. */
const text =
  '0x6060600c60003960606000f3' +
  '20'.padStart(64, '0') +
  '05'.padStart(64, '0') +
  Buffer.from('Ether').toString('hex').padEnd(64, '0')

const anvil = new Anvil(['--chain-id', '31337'])
const web = new LocalWeb()
const closed = new LocalWeb()
/** Demands the key as a part of the path, as providers do, and hands the rest to the chain. */
const provider = new LocalWeb()
let folder: string

beforeAll(async () => {
  folder = await temporaryFolder()
  await Promise.all([
    buildModules(),
    anvil.start(join(folder, 'anvil.json')),
    web.start(),
    closed.start(),
    provider.start(),
  ])
  await closed.stop()
  await anvil.mine(7)
  web.handler = ({ url }, response) => {
    if (url === '/missing') response.writeHead(404)
    if (url !== '/slow') response.end('a page')
  }
  provider.handler = ({ url, body }, response) => {
    if (url !== `/v2/${key}`) {
      response.writeHead(401).end(`{"error":{"message":"no key in ${url}"}}`)
      return
    }
    void fetch(anvil.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
      async (answer) => response.end(await answer.text()),
    )
  }
  await example('http-status', [web.port, closed.port, Number(new URL(anvil.http).port)])
  await example('contract-reader', [provider.port])
})

afterAll(async () => {
  await Promise.all([anvil.end('SIGKILL'), web.stop(), provider.stop(), closeEngines()])
})

/** The example as it is, but for the ports of this machine, of which a test has no fixed ones. */
async function example(name: string, ports: readonly number[]): Promise<void> {
  const copy = join(folder, name)
  await mkdir(copy)
  await cp(join(modules, name, 'module.wasm'), join(copy, 'module.wasm'))
  const toml = await readFile(join(modules, name, 'tool.toml'), 'utf8')
  const rule = /\[\[http\.allow\]\]\nscheme[^[]+port +=[^[]+methods +=.+\n/
  expect(toml).toMatch(rule)
  const own = toml.replace(rule, (found) => ports.map((port) => found.replace('8545', `${port}`)).join('\n'))
  await writeFile(join(copy, 'tool.toml'), own)
}

interface Printed {
  readonly ok: boolean
  readonly output?: unknown
  readonly failure?: { readonly kind: string; readonly secrets: readonly string[] }
  readonly trace: readonly { readonly url: string; readonly injected: readonly string[] }[]
}

async function call(name: string, params: object, more: readonly string[] = [], env = {}) {
  const args = [
    'call',
    join(folder, name),
    '--json',
    '--permit',
    '127.0.0.1',
    '--params',
    JSON.stringify(params),
    ...more,
  ]
  const ran = await paddock(args, { env })
  return { ran, printed: JSON.parse(ran.stdout) as Printed }
}

describe('http-status', () => {
  it('tells what answers, what answers that it is not there, what is slow, what is down and what it may not reach', async () => {
    const [page, slow, missing] = ['/', '/slow', '/missing'].map(
      (path) => `http://127.0.0.1:${web.port}${path}`,
    )
    const down = `http://127.0.0.1:${closed.port}/`
    const urls = [page, slow, missing, down, 'https://elsewhere.example/']
    const { ran, printed } = await call('http-status', { urls, timeoutMs: 400 })
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(printed.output).toMatchObject({
      up: 1,
      of: 5,
      findings: [
        { url: page, up: true, status: 200 },
        { url: slow, up: false, problem: 'timeout' },
        { url: missing, up: false, status: 404 },
        { url: down, up: false, problem: 'network_error' },
        { up: false, problem: 'policy_denied' },
      ],
    })
  })

  it('tells the head of a chain, and what is none', async () => {
    const urls = [`${anvil.http}/`, `http://127.0.0.1:${web.port}/`]
    const { printed } = await call('http-status', { urls, rpc: true })
    expect(printed.output).toMatchObject({
      up: 1,
      findings: [
        { up: true, block: 7 },
        { up: false, status: 200, problem: expect.stringContaining('not as a node') as string },
      ],
    })
  })
})

describe('contract-reader', () => {
  const rpc = (): string => `http://127.0.0.1:${provider.port}/v2/rpc_key`
  const read = ['--operation', 'contract.read']
  const balance = ['--operation', 'contract.balance']
  const keyFile = async (): Promise<string[]> => {
    await writeFile(join(folder, 'key'), `${key}\n`)
    return ['--secret', `rpc_key=${join(folder, 'key')}`]
  }

  it('reads balances with the key of the operator, which is in no output and in no file', async () => {
    const passphrase = join(folder, 'passphrase')
    await writeFile(passphrase, 'a long enough passphrase\n')
    const state = join(folder, 'state')
    const { ran, printed } = await call(
      'contract-reader',
      { address: account, rpc: rpc() },
      [...balance, ...(await keyFile()), '--state-dir', state],
      { PADDOCK_SECRETS_PASSPHRASE_FILE: passphrase },
    )
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(printed.output).toEqual({ wei: '10000000000000000000000', transactions: '0', block: 'latest' })
    expect(provider.received.at(-1)).toMatchObject({ method: 'POST', url: `/v2/${key}` })
    expect(printed.trace.map(({ injected }) => injected)).toEqual([['rpc_key'], ['rpc_key']])
    hidden(ran)
    const files = await readdir(state, { recursive: true, withFileTypes: true })
    const kept = files.filter((file) => file.isFile())
    expect(kept.map(({ name }) => name)).toContain('secrets.json')
    for (const { parentPath, name } of kept) {
      expect((await readFile(join(parentPath, name))).includes(key), name).toBe(false)
    }
  })

  it('reads contracts, without a passphrase where the state is thrown away', async () => {
    await anvil.rpc('anvil_setCode', [contract, echo])
    const params = {
      address: contract,
      signature: 'f(int16)',
      arguments: ['-3'],
      returns: 'int256',
      rpc: rpc(),
    }
    const { ran, printed } = await call('contract-reader', params, [...read, ...(await keyFile())])
    expect(printed).toMatchObject({ ok: true, output: { value: '-3', block: 'latest' } })
    hidden(ran)
    await anvil.rpc('anvil_setCode', [contract, text])
    const named = { address: contract, signature: 'name()', returns: 'string', rpc: rpc() }
    const second = await call('contract-reader', named, [...read, ...(await keyFile())])
    expect(second.printed).toMatchObject({ output: { value: 'Ether' } })
  })

  it('sends nothing without the key, and names it', async () => {
    const before = provider.connections
    const { ran, printed } = await call('contract-reader', { address: account, rpc: rpc() }, balance)
    expect(ran.code).toBe(1)
    expect(printed.failure).toMatchObject({ kind: 'auth_required', secrets: ['rpc_key'] })
    expect(provider.connections).toBe(before)
  })

  it('refuses arguments that do not fit the function, before anything is sent', async () => {
    const cases: readonly [string, readonly string[], string][] = [
      ['f(uint8)', ['256'], '256 does not fit uint8.'],
      ['f(uint256)', ['-1'], '-1 does not fit uint256.'],
      ['f(bool)', ['yes'], '"yes" is neither true nor false.'],
      ['f(address)', [], 'f(address) takes 1 arguments, not 0.'],
      ['f(uint7)', ['1'], 'Parameters of the type uint7 are not supported.'],
    ]
    const refused = cases.map(async ([signature, values, message]) => {
      const params = { address: contract, signature, arguments: values }
      const { ran, printed } = await call('contract-reader', params, read)
      expect(ran.code, signature).toBe(2)
      expect(printed).toMatchObject({
        failure: { kind: 'input_encode', code: 'bad_argument', message },
        trace: [],
      })
    })
    await Promise.all(refused)
  })
})

function hidden({ stdout, stderr }: Ran): void {
  for (const form of [key, Buffer.from(key).toString('base64'), encodeURIComponent(key)])
    expect(stdout + stderr).not.toContain(form)
}
