/** Ten modules under load, and one that idles: what they cost the engine's main thread and the machine. */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import path from 'node:path'
import { Engine } from '../../src/engine/engine.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import type { Finding } from './measure.ts'
import { bareProcess, benchFolder, componentFile, launcher, root, scratch, startSandbox } from './support.ts'

const modules = 10
const blocksPerSecond = 100
const seconds = 10
const resolutionMs = 1

export async function idle(): Promise<Finding[]> {
  return [await memory(), await loopDelay()]
}

async function memory(): Promise<Finding> {
  const sandbox = await startSandbox('counter')
  const bare = await bareProcess()
  await bare.roundTrip({ hello: true })
  const ours = residentBytes(sandbox.pid ?? 0)
  const base = residentBytes(bare.child.pid ?? 0)
  bare.child.kill()
  await sandbox.stop(1_000)
  return {
    name: 'memory of an idle module',
    what: 'resident memory of a sandbox over that of an empty process',
    value: ours / base,
    unit: '×',
    goal: null,
    detail: `${mib(ours)} over ${mib(base)}`,
  }
}

/** A real chain at 100 blocks a second, ten modules: 1,000 events a second through the whole engine. */
async function loopDelay(): Promise<Finding> {
  const chain = spawn(
    path.join(root, 'node_modules/node/bin/node'),
    [path.join(benchFolder, 'fast-chain.ts'), String(blocksPerSecond)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const url = await new Promise<string>((resolve) =>
    chain.stdout.once('data', (line: Buffer) => resolve(line.toString().trim())),
  )
  const out = path.join(root, 'out/main')
  const engine = new Engine({
    version: 'bench',
    stateDir: path.join(scratch, 'engine'),
    settings: memorySettings(
      settingsSchema.parse({
        devnet: { autoStart: false },
        chains: [{ chainId: '31337', name: 'fast', endpoints: [{ url }] }],
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
    const request = await engine.modules.inspect(counterBundle(`counter-${index}`), {})
    await engine.modules.install(
      request.requestId,
      request.asks.map((ask) => ask.capability),
      true,
    )
  }
  let handled = 0
  engine.modules.onAnyDispatch((_module, dispatch) => {
    if (dispatch.result === 'committed') handled += 1
  })
  chain.stdin.write('go\n')
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  handled = 0
  histogram.enable()
  const began = performance.now()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  histogram.disable()
  const rate = handled / ((performance.now() - began) / 1_000)
  const p99 = histogram.percentile(99) / 1e6 - resolutionMs
  const max = histogram.max / 1e6 - resolutionMs
  await engine.shutdown()
  chain.kill()
  return {
    name: 'main-loop delay p99',
    what: `${modules} modules on a chain of ${blocksPerSecond} blocks a second`,
    value: p99,
    unit: 'ms',
    goal: { kind: 'at most', value: 16 },
    detail: `${Math.round(rate)} events/s handled, worst ${max.toFixed(1)} ms`,
  }
}

/** A bundle that counts the blocks of chain 31337. */
export function counterBundle(name: string): string {
  const folder = path.join(scratch, 'bundles', name)
  mkdirSync(folder, { recursive: true })
  cpSync(componentFile('counter'), path.join(folder, 'module.wasm'))
  writeFileSync(
    path.join(folder, 'paddock.toml'),
    `[module]\nname = "${name}"\nversion = "1.0.0"\ncomponent = "module.wasm"\n[capabilities]\nrequired = ["local-store"]\noptional = ["logging"]\n[[subscription]]\nkind = "block"\nchain_id = 31337\n`,
  )
  return folder
}

function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return pages * 4_096
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
