/** A whole engine as the headless command puts it together: real processes, stores and settings. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock, type Clock } from '../../src/engine/clock.ts'
import type { ToolBroker } from '../../src/engine/contracts/tool/broker.ts'
import type { EngineEntries } from '../../src/engine/engine-options.ts'
import { Engine } from '../../src/engine/engine.ts'
import { ForkLauncher } from '../../src/engine/sandboxes/fork-launcher.ts'
import type { SandboxLauncher } from '../../src/engine/sandboxes/launcher.ts'
import { memorySettings, type SettingsPort } from '../../src/engine/settings-port.ts'
import { chainConfigSchema, type ChainConfig } from '../../src/shared/domain/chain.ts'
import type { Dispatch, ModuleState, ModuleView } from '../../src/shared/domain/module.ts'
import { settingsSchema, type Settings } from '../../src/shared/domain/settings.ts'
import { PaddockError, type ErrorReport } from '../../src/shared/errors.ts'
import { fixturesFolder } from '../fixtures/build-fixtures.mjs'

const built = resolve(import.meta.dirname, '../../out/main')

export const entries: EngineEntries = {
  sandbox: join(built, 'sandbox.cjs'),
  compiler: join(built, 'compiler.cjs'),
  telemetry: join(built, 'telemetry.cjs'),
  storeReader: join(built, 'store-reader.cjs'),
  messageStore: join(built, 'message-store.cjs'),
  contentStore: join(built, 'content-store.cjs'),
}

const waitMs = 20_000

/** The system's clock with a wall clock that can be moved on, so that ten minutes of failures pass at once. */
export class MovableClock implements Clock {
  private offsetMs = 0

  skip(ms: number): void {
    this.offsetMs += ms
  }

  now(): number {
    return systemClock.now() + this.offsetMs
  }

  monotonicMs(): number {
    return systemClock.monotonicMs()
  }

  after(delayMs: number, action: () => void): () => void {
    return systemClock.after(delayMs, action)
  }

  every(periodMs: number, action: () => void): () => void {
    return systemClock.every(periodMs, action)
  }
}

/** Settings kept in a file, written whole and moved into place, so that an engine that dies keeps its modules. */
export function fileSettings(file: string, initial: Partial<Settings>): SettingsPort {
  let current: Settings
  try {
    current = settingsSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    current = settingsSchema.parse(initial)
  }
  return {
    get: () => current,
    set(next) {
      current = next
      writeFileSync(`${file}.part`, JSON.stringify(next))
      renameSync(`${file}.part`, file)
    },
  }
}

export interface TestEngineOptions {
  readonly stateDir?: string
  readonly chains?: ChainConfig[]
  readonly settings?: SettingsPort
  readonly clock?: Clock
  /** What tools reach the outside through, instead of the engine's own process. */
  readonly toolBroker?: ToolBroker
  readonly launcher?: SandboxLauncher
}

export class TestEngine {
  readonly engine: Engine
  readonly stateDir: string
  readonly settings: SettingsPort
  /** Every state of each module, in order, without repeats. */
  readonly states = new Map<string, ModuleState[]>()
  readonly dispatches: { module: string; dispatch: Dispatch }[] = []
  private readonly checks = new Set<() => void>()

  constructor(stateDir: string, options: TestEngineOptions) {
    this.stateDir = stateDir
    this.settings =
      options.settings ??
      memorySettings(settingsSchema.parse({ devnet: { autoStart: false }, chains: options.chains ?? [] }))
    this.engine = new Engine({
      version: '0.0.0-test',
      stateDir,
      settings: this.settings,
      launcher: options.launcher ?? new ForkLauncher(),
      ...(options.toolBroker === undefined ? {} : { toolBroker: options.toolBroker }),
      entries,
      clock: options.clock ?? systemClock,
      // Below any jitter: what failed starts again at once.
      random: () => -1,
    })
    this.engine.modules.onStateChange(({ name, status }) => {
      const seen = this.states.get(name) ?? []
      if (seen.at(-1) !== status.state) seen.push(status.state)
      this.states.set(name, seen)
      this.check()
    })
    this.engine.modules.onAnyDispatch((module, dispatch) => {
      this.dispatches.push({ module, dispatch })
      this.check()
    })
    this.engine.state.onChange(() => this.check())
  }

  view(name: string): ModuleView {
    const found = this.engine.modules.views().find((module) => module.name === name)
    if (found === undefined) throw new Error(`no module ${name}`)
    return found
  }

  state(name: string): ModuleState {
    return this.view(name).status.state
  }

  /** Waits until it holds, asked after every change that the engine tells. */
  when(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        this.checks.delete(look)
        clearTimeout(timer)
        settle()
      }
      const look = (): void => {
        if (holds()) finish(resolve)
      }
      const timer = setTimeout(() => {
        const seen = this.engine.modules
          .views()
          .map(({ name, status, run, lastError }) => ({ name, status, run, lastError }))
        finish(() => reject(new Error(`Not within ${waitMs} ms: ${what}\n${JSON.stringify(seen, null, 1)}`)))
      }, waitMs)
      this.checks.add(look)
    })
  }

  whenState(name: string, state: ModuleState): Promise<void> {
    return this.when(`${name} is ${state}`, () => this.state(name) === state)
  }

  /** Waits until the module runs, in this or a later run. */
  whenRun(name: string, run: number): Promise<void> {
    return this.when(
      `${name} is in run ${run}`,
      () => this.state(name) === 'running' && this.view(name).run >= run,
    )
  }

  committed(name: string): number[] {
    return this.dispatches
      .filter(({ module, dispatch }) => module === name && dispatch.result === 'committed')
      .map(({ dispatch }) => dispatch.blockNumber ?? -1)
  }

  whenCommitted(name: string, block: number): Promise<void> {
    return this.when(`${name} has handled block ${block}`, () => this.committed(name).includes(block))
  }

  /** Loads a bundle, granting all it asks for. */
  async load(bundle: string, start = true): Promise<string> {
    const { requestId, asks } = await this.engine.modules.inspect(bundle, {})
    return this.engine.modules.install(
      requestId,
      asks.map((ask) => ask.capability),
      start,
    )
  }

  /** The number that a module keeps as decimal text, or null. */
  async stored(name: string, key: string): Promise<string | null> {
    try {
      const value = await this.engine.modules.storeValue(name, key)
      return value === null ? null : Buffer.from(value.head).toString('utf8')
    } catch (error) {
      if (error instanceof PaddockError && error.code === 'store.open_failed') return null
      throw error
    }
  }

  private check(): void {
    for (const check of [...this.checks]) check()
  }
}

const open: { engine: Engine; stateDir: string | null }[] = []
const folders: string[] = []

/** An engine on a state directory of its own unless one is given; `closeEngines` ends it. */
export async function startEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const stateDir = options.stateDir ?? (await temporaryFolder())
  const test = new TestEngine(stateDir, options)
  open.push({ engine: test.engine, stateDir })
  await test.engine.start()
  return test
}

/** Ends what the test started and removes its folders. */
export async function closeEngines(): Promise<void> {
  await Promise.all(open.splice(0).map(({ engine }) => engine.shutdown()))
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'paddock-engine-'))
  folders.push(folder)
  return folder
}

export interface BundleManifest {
  readonly name?: string
  readonly version?: string
  readonly required?: readonly string[]
  readonly optional?: readonly string[]
  readonly chainId?: number | null
  readonly backfill?: boolean
  readonly config?: Readonly<Record<string, string | number>>
  /** Keys of [limits]. */
  readonly limits?: Readonly<Record<string, number>>
  /** Further keys of [module]. */
  readonly module?: Readonly<Record<string, string>>
  /** Text added at the end. */
  readonly more?: string
}

/** Capabilities a fixture imports, from its own source. */
async function importsOf(fixture: string): Promise<string[]> {
  const source = await readFile(resolve(import.meta.dirname, `../fixtures/guests/${fixture}.wat`), 'utf8')
  return /^;; imports: (.*)$/m.exec(source)?.[1]?.split(', ') ?? []
}

/** A bundle folder with a fixture's component and a manifest; into `folder` when given, replacing what is there. */
export async function bundleOf(
  fixture: string,
  manifest: BundleManifest = {},
  folder?: string,
): Promise<string> {
  const name = manifest.name ?? fixture
  const target = folder ?? join(await temporaryFolder(), name)
  await mkdir(target, { recursive: true })
  await copyFile(join(fixturesFolder, `${fixture}.wasm`), join(target, 'module.wasm'))
  const required = manifest.required ?? (await importsOf(fixture))
  const chainId = manifest.chainId === undefined ? 31_337 : manifest.chainId
  const table = (title: string, values: Readonly<Record<string, string | number>> | undefined): string[] =>
    values === undefined
      ? []
      : [`[${title}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)]
  const lines = [
    ...table('module', {
      name,
      version: manifest.version ?? '0.1.0',
      component: 'module.wasm',
      ...manifest.module,
    }),
    '[capabilities]',
    `required = ${JSON.stringify(required)}`,
    `optional = ${JSON.stringify(manifest.optional ?? [])}`,
    ...(chainId === null ? [] : ['[[subscription]]', 'kind = "block"', `chain_id = ${chainId}`]),
    ...(manifest.backfill === undefined ? [] : [`backfill = ${manifest.backfill}`]),
    ...table('limits', manifest.limits),
    ...table('config', manifest.config),
    manifest.more ?? '',
  ]
  await writeFile(join(target, 'paddock.toml'), lines.join('\n'))
  return target
}

export function chainOf(url: string, chainId = '31337'): ChainConfig {
  return chainConfigSchema.parse({
    chainId,
    name: `Chain ${chainId}`,
    endpoints: [{ url }],
    pollIntervalMs: 250,
    requestTimeoutMs: 1_000,
  })
}

/** What it fails with, as a report. */
export async function faultOf(work: Promise<unknown>): Promise<ErrorReport> {
  try {
    await work
  } catch (error) {
    if (error instanceof PaddockError) return error.toReport()
    throw error
  }
  throw new Error('It did not fail.')
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
