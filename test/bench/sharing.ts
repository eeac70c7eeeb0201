/** Fifty modules, each in a sandbox process of its own, on one chain: what reaches the node. Slow, hence only when named. */
import path from 'node:path'
import { WebSocket, WebSocketServer } from 'ws'
import { Engine } from '../../src/engine/engine.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { Anvil } from '../support/anvil.ts'
import { counterBundle } from './idle.ts'
import type { Finding } from './measure.ts'
import { launcher, root, scratch } from './support.ts'

const modules = 50
const blocks = 20

/** Counts, by method, what passes to a real node. */
async function countingProxy(
  node: string,
): Promise<{ url: string; calls: Map<string, number>; close(): void }> {
  const calls = new Map<string, number>()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (client) => {
    const upstream = new WebSocket(node)
    const waiting: string[] = []
    client.on('message', (data: Buffer) => {
      const text = data.toString('utf8')
      const parsed = JSON.parse(text) as { method: string } | { method: string }[]
      for (const { method } of Array.isArray(parsed) ? parsed : [parsed]) {
        calls.set(method, (calls.get(method) ?? 0) + 1)
      }
      if (upstream.readyState === WebSocket.OPEN) upstream.send(text)
      else waiting.push(text)
    })
    upstream.on('open', () => waiting.forEach((text) => upstream.send(text)))
    upstream.on('message', (data: Buffer) => client.send(data.toString('utf8')))
    upstream.on('close', () => client.close())
    client.on('close', () => upstream.close())
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `ws://127.0.0.1:${address.port}`,
    calls,
    close: () => {
      for (const client of server.clients) client.terminate()
      server.close()
    },
  }
}

export async function sharing(): Promise<Finding[]> {
  const anvil = await new Anvil().start(path.join(scratch, 'shared.json'))
  const proxy = await countingProxy(anvil.ws)
  const out = path.join(root, 'out/main')
  const engine = new Engine({
    version: 'bench',
    stateDir: path.join(scratch, 'sharing'),
    settings: memorySettings(
      settingsSchema.parse({
        devnet: { autoStart: false },
        chains: [{ chainId: '31337', name: 'shared', endpoints: [{ url: proxy.url }] }],
      }),
    ),
    launcher: await launcher(),
    entries: {
      sandbox: path.join(out, 'sandbox.cjs'),
      compiler: path.join(out, 'compiler.cjs'),
      telemetry: path.join(out, 'telemetry.cjs'),
      storeReader: path.join(out, 'store-reader.cjs'),
      messageStore: path.join(out, 'message-store.cjs'),
      contentStore: path.join(out, 'content-store.cjs'),
    },
  })
  await engine.start()
  for (let index = 0; index < modules; index += 1) {
    const request = await engine.modules.inspect(counterBundle(`shared-${index}`), {})
    const granted = request.asks.map((ask) => ask.capability)
    await engine.modules.install(request.requestId, granted, true)
  }
  const running = engine.modules.views().filter(({ status }) => status.state === 'running').length
  if (running !== modules) throw new Error(`${running} of ${modules} modules run`)
  await settled(() => engine.chains.views()[0]?.status === 'live')
  const opening = total(proxy.calls)
  let handled = 0
  engine.modules.onAnyDispatch((_module, dispatch) => {
    if (dispatch.result === 'committed') handled += 1
  })
  await anvil.mine(blocks)
  await settled(() => handled >= modules * blocks)
  const during = total(proxy.calls) - opening
  const sandboxes = engine.state.snapshot().engine.sandboxes
  await engine.shutdown()
  proxy.close()
  await anvil.end('SIGKILL')
  return [
    {
      name: `${modules} sandboxes on one chain`,
      what: 'upstream subscriptions at a real node',
      value: proxy.calls.get('eth_subscribe') ?? 0,
      unit: '',
      goal: { kind: 'at most', value: 1 },
      detail: `${sandboxes} sandboxes handled ${handled} events of ${blocks} blocks; ${opening} calls to open (${told(proxy.calls)} in all), ${during} for the blocks`,
    },
  ]
}

function total(calls: ReadonlyMap<string, number>): number {
  return [...calls.values()].reduce((sum, count) => sum + count, 0)
}

function told(calls: ReadonlyMap<string, number>): string {
  return [...calls].map(([method, count]) => `${method} ${count}`).join(', ')
}

async function settled(holds: () => boolean): Promise<void> {
  for (const began = performance.now(); !holds(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (performance.now() - began > 120_000) throw new Error('not within two minutes')
  }
}
