/** Real parts for the measurements: artifacts, sandboxes and bare processes. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../../src/engine/clock.ts'
import { createCompiler, type Compiler } from '../../src/engine/compiler/compiler.ts'
import { ForkLauncher } from '../../src/engine/sandboxes/fork-launcher.ts'
import type { LaunchedProcess, SandboxLauncher } from '../../src/engine/sandboxes/launcher.ts'
import { Sandbox, type SandboxHandlers } from '../../src/engine/sandboxes/sandbox.ts'
import { defaultLimits, maxTableElements } from '../../src/shared/domain/limits.ts'
import type { GuestConfig } from '../../src/shared/contracts/event-module.ts'
import type { GuestCall, LoadSpec } from '../../src/shared/sandbox/protocol.ts'

/** The benchmark is started in the project's folder, bundled for Electron or as it is for Node. */
export const root = process.cwd()
export const benchFolder = path.join(root, 'test/bench')
/** The types promise a version of Electron everywhere; only Electron has one. */
export const isElectron = 'electron' in process.versions
/** What the measurements run on; each has its own bare mechanism. */
export const runtime = isElectron ? `Electron ${process.versions.electron}` : `Node ${process.versions.node}`
let chosen: SandboxLauncher | undefined

/** The launcher of this runtime; the same one each time. */
export async function launcher(): Promise<SandboxLauncher> {
  chosen ??= await makeLauncher()
  return chosen
}
const out = path.join(root, 'out/main')

export const scratch = mkdtempSync(path.join(tmpdir(), 'paddock-bench-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

async function makeLauncher(): Promise<SandboxLauncher> {
  if (!isElectron) return new ForkLauncher()
  const { UtilityLauncher } = await import('../../src/main/utility-launcher.ts')
  return new UtilityLauncher()
}

let compiler: Compiler | undefined
let generation = 0

/** A compiled fixture, which scripts/bench.mjs has built, or an example module. */
export function componentFile(name: string): string {
  const fixture = path.join(root, '.cache/fixtures', `${name}.wasm`)
  return existsSync(fixture) ? fixture : path.join(root, 'modules', name, 'module.wasm')
}

/** The artifact of a guest that speaks SQL: a fixture, or the one in TypeScript, which scripts/bench.mjs has built. */
export function actorArtifact(name: string): Promise<string> {
  const inTypeScript = path.join(root, 'test/fixtures/actor-guests/bench/module.wasm')
  return compiled(name === 'actor-bench-ts' ? inTypeScript : componentFile(name))
}

/** The artifact directory of a fixture or an example module, compiled at most once. */
export function artifact(name: string): Promise<string> {
  return compiled(componentFile(name))
}

async function compiled(file: string): Promise<string> {
  compiler ??= createCompiler({
    launcher: await launcher(),
    entry: path.join(out, 'compiler.cjs'),
    cacheDir: path.join(scratch, 'artifacts'),
  })
  const { sha256 } = await compiler.inspect(file)
  const limits = {
    memoryBytes: defaultLimits.memoryBytes,
    tableElements: maxTableElements,
    initialFuel: defaultLimits.fuelPerCall,
  }
  return (await compiler.compile({ path: file, expectedSha256: sha256, limits })).directory
}

export async function loadSpec(name: string, storeName = name): Promise<LoadSpec> {
  return {
    module: storeName,
    run: 1,
    contract: 'event-module',
    artifactDirectory: await artifact(name),
    storePath: path.join(scratch, `${storeName}.db`),
    durability: 'event',
    limits: defaultLimits,
    capabilities: {
      'local-store': 'provided',
      logging: 'provided',
      clock: 'provided',
      random: 'provided',
      chain: 'provided',
    },
    logLevel: 'error',
  }
}

const quiet: SandboxHandlers = {
  onHostCall: () => Promise.resolve({ ok: true, value: '"0x1"' }),
  onLogs: () => undefined,
  onProcess: () => undefined,
  onOutput: (line) => process.stderr.write(`${line}\n`),
}

/** A running sandbox with its module initialised. Caller stops it. */
export async function startSandbox(
  name: string,
  config: GuestConfig = [],
  handlers: Partial<SandboxHandlers> = {},
): Promise<Sandbox> {
  generation += 1
  const sandbox = new Sandbox({
    launcher: await launcher(),
    entry: path.join(out, 'sandbox.cjs'),
    serviceName: `bench-${generation}`,
    generation,
    clock: systemClock,
    residentLimitBytes: 1024 ** 3,
    handlers: { ...quiet, ...handlers },
  })
  await sandbox.ready
  const loaded = await sandbox.load(await loadSpec(name, `${name}-${generation}`))
  if (!loaded.ok) throw new Error(loaded.error.message)
  const { outcome } = await sandbox.call(call(sandbox, 0, 'init', config))
  if (outcome.status !== 'ok') throw new Error(`init of ${name}: ${JSON.stringify(outcome)}`)
  return sandbox
}

export function call(sandbox: Sandbox, sequence: number, operation: string, payload: unknown): GuestCall {
  return {
    id: sandbox.allocateCallId(),
    sequence,
    operation,
    payload,
    cursor: null,
    fuel: defaultLimits.fuelPerCall,
    deadlineMs: defaultLimits.deadlineMs,
    context: { eventType: 'block' },
  }
}

const hash = new Uint8Array(32).fill(7)

export function block(number: number): unknown {
  return {
    tag: 'block',
    val: { chainId: 31337n, number: BigInt(number), hash, timestamp: 1_700_000_000_000n },
  }
}

/** A bare process that sends back what it gets, over the very channel that sandboxes use. */
export async function bareProcess(
  script: 'bare-echo.cjs' | 'bare-worker-hop.cjs' = 'bare-echo.cjs',
): Promise<{
  child: LaunchedProcess
  roundTrip: (message: object) => Promise<unknown>
}> {
  generation += 1
  const child = (await launcher()).launch({
    entry: path.join(benchFolder, script),
    serviceName: `bare-${generation}`,
  })
  let settle: (message: unknown) => void = () => undefined
  child.onMessage((message) => settle(message))
  return {
    child,
    roundTrip: (message) =>
      new Promise((resolve) => {
        settle = resolve
        child.post(message)
      }),
  }
}
