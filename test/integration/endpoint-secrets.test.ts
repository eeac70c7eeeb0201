import { spawn, type ChildProcess } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { bundleOf, chainOf, closeEngines, startEngine, temporaryFolder } from '../support/engine.ts'
import { LocalNode } from '../support/local-node.ts'

const command = resolve(import.meta.dirname, '../../bin/paddock.mjs')
const nodes: LocalNode[] = []
let child: ChildProcess | undefined

beforeAll(() => buildFixtures())
afterEach(closeEngines)
afterAll(async () => {
  child?.kill('SIGKILL')
  await Promise.all(nodes.map((node) => node.stop()))
})

const keys = {
  user: 'canaryuser5c1d',
  password: 'canarypass9f2e',
  path: 'canary0123456789abcdef01234567',
  query: 'canaryquery77aa',
}
const secrets = Object.values(keys)

/** The node's address with a key wherever one can stand. */
function keyed(address: string): string {
  const url = new URL(address)
  return `${url.protocol}//${keys.user}:${keys.password}@${url.host}/v3/${keys.path}?key=${keys.query}`
}

/** A node whose errors repeat how they were asked, as gateways' do. */
async function echoing(transport: 'http' | 'ws'): Promise<{ node: LocalNode; url: string }> {
  const node = await new LocalNode().start()
  nodes.push(node)
  const url = keyed(node[transport])
  const message = `quota of project ${keys.path} used up, see ${url} (user ${keys.user}, ${keys.password})`
  node.answers.set('eth_blockNumber', `"error":${JSON.stringify({ code: -32_000, message, data: { url } })}`)
  return { node, url }
}

function expectNoSecret(text: string): void {
  for (const secret of secrets) expect(text).not.toContain(secret)
}

function until(expectation: () => void): Promise<void> {
  return vi.waitFor(expectation, { interval: 20, timeout: 25_000 })
}

it.each(['ws', 'http'] as const)(
  'spec nexum-host 18 row 20: a key in an endpoint over %s is in nothing that a run prints, serves or keeps',
  async (transport) => {
    const { node, url } = await echoing(transport)
    const dead = new URL(url)
    dead.port = '1'
    const folder = await temporaryFolder()
    const state = join(folder, 'state')
    const config = join(folder, 'engine.toml')
    await writeFile(
      config,
      `[chains.1]\nrpc_url = "${url}"\nfallback_urls = ["${dead.href}"]\npoll_interval_ms = 250\n[chains.2]\nrpc_url = "${dead.href}"\n`,
    )
    const bundle = await bundleOf('chain-caller', { chainId: 1 })
    const args = ['run', bundle, '--config', config, '--state-dir', state, '--json']
    child = spawn(
      process.execPath,
      [command, ...args, '--metrics', '127.0.0.1:0', '--health', '127.0.0.1:0'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let text = ''
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    }
    const ended = new Promise<void>((settle) => child!.on('close', () => settle()))
    await until(() => expect(text).toContain('"live"'))
    node.mine(1)
    // The error reached the guest, who answered with it, and the log: with all but the key.
    await until(() => expect(text).toContain('quota of project'))
    expect(text).toContain('/v3/…')
    const running = text.split('\n').find((line) => line.includes('"metrics":"'))!
    const { metrics, health } = JSON.parse(running) as { metrics: string; health: string }
    const served = await Promise.all(
      [`http://${metrics}/metrics`, `http://${health}/health`].map(async (each) =>
        (await fetch(each)).text(),
      ),
    )
    expect(served[0]).toContain('nexum_rpc_errors_total')
    expect(served[0]).toContain('/v3/…')
    for (const each of served) expectNoSecret(each)
    // What is lost is told with the endpoint's label.
    await node.stop()
    await until(() => expect(text).toContain('"source_down"'))
    child.kill('SIGTERM')
    await ended
    expectNoSecret(text)
    const files = (await readdir(state, { recursive: true, withFileTypes: true })).filter((each) =>
      each.isFile(),
    )
    expect(files.map(({ name }) => name)).toContain('logs.db')
    for (const file of files)
      expectNoSecret((await readFile(join(file.parentPath, file.name))).toString('latin1'))
  },
)

it('spec nexum-host 18 row 20: the console is told no key but in the settings that it edits', async () => {
  const { node, url } = await echoing('ws')
  const test = await startEngine({ chains: [chainOf(url, '1')] })
  const name = await test.load(await bundleOf('chain-caller', { chainId: 1 }))
  await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
  node.mine(1)
  await test.when('it was refused', () => test.dispatches.length > 0)
  const [told] = test.dispatches
  expect(told?.dispatch.error?.message).toContain('quota of project')
  expectNoSecret(JSON.stringify(told))
  node.fault = 'html'
  await node.stop()
  await test.when('the chain is down', () => test.engine.chains.views()[0]?.status === 'down')
  const { chains, ...others } = test.engine.state.snapshot()
  expectNoSecret(JSON.stringify(others))
  for (const { config, ...view } of chains.filter((each) => each.config.chainId === '1')) {
    expect(JSON.stringify(config)).toContain(keys.path)
    expectNoSecret(JSON.stringify(view))
  }
  expectNoSecret(JSON.stringify(await test.engine.chains.test({ chainId: '1', url })))
  expectNoSecret(JSON.stringify(test.view(name)))
})
