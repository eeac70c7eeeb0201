/** A whole engine with a real chain and two witnesses, which must handle every block once whatever is done to others. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { artifactKeys } from './artifacts.ts'
import { storePath } from '../../src/engine/modules/store-path.ts'
import { Anvil } from '../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  MovableClock,
  startEngine,
  type BundleManifest,
  type TestEngine,
} from '../support/engine.ts'
import { mustEqual, mustHold } from './fault.ts'
import type { Random } from './random.ts'
import { mustHoldEachOnce } from './store-file.ts'

export const witnesses = ['witness-one', 'witness-two'] as const
export const isLong = process.env['PADDOCK_FAULTS'] === 'long'

export class Arena {
  readonly folder: string
  readonly random: Random
  readonly clock = new MovableClock()
  readonly anvil: Anvil
  readonly test: TestEngine
  /** Number of the newest block. */
  head = 0

  private constructor(folder: string, random: Random, anvil: Anvil, test: TestEngine, clock: MovableClock) {
    this.folder = folder
    this.random = random
    this.anvil = anvil
    this.test = test
    this.clock = clock
  }

  static async open(random: Random): Promise<Arena> {
    const folder = await mkdtemp(join(tmpdir(), 'paddock-faults-'))
    const anvil = await new Anvil().start(join(folder, 'anvil.json'))
    const clock = new MovableClock()
    const test = await startEngine({ chains: [chainOf(anvil.ws)], clock, stateDir: join(folder, 'state') })
    const arena = new Arena(folder, random, anvil, test, clock)
    for (const name of witnesses) await test.load(await bundleOf('counter', { name }))
    await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
    return arena
  }

  /** Ends everything but the engine, which `closeEngines` ends. */
  async close(): Promise<void> {
    await this.anvil.end('SIGKILL')
    await rm(this.folder, { recursive: true, force: true })
  }

  storeFile(name: string): string {
    return storePath(join(this.test.stateDir, 'stores'), name)
  }

  async mine(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      await this.anvil.mine(1)
      this.head += 1
    }
  }

  /** Loads a bundle of a fixture and starts it. */
  async load(fixture: string, manifest: BundleManifest = {}, start = true): Promise<string> {
    return this.test.load(await bundleOf(fixture, manifest), start)
  }

  /** Takes away a module with its store, if it is there. */
  async purge(name: string): Promise<void> {
    const { modules } = this.test.engine
    if (modules.views().some((module) => module.name === name)) await modules.remove(name, true)
  }

  /** Ten minutes on: failures before are too old to count. */
  forgive(): void {
    this.clock.skip(11 * 60_000)
  }

  /** What the module failed with last. */
  lastCode(name: string): string | undefined {
    return this.test.view(name).lastError?.error.code
  }

  /** One more block, which both witnesses must have handled; none of them was ever replaced. */
  async witnessesGoOn(): Promise<void> {
    await this.mine(1)
    for (const name of witnesses) {
      await this.test.whenCommitted(name, this.head)
      const { run, restarts, lastError, usage } = this.test.view(name)
      mustEqual({ run, restarts, lastError }, { run: 1, restarts: 0, lastError: null }, name)
      mustEqual(
        [usage.dropped, usage.failed, usage.rolledBack],
        [0, 0, 0],
        `events that ${name} did not commit`,
      )
      mustEqual(usage.dispatches, this.head, `dispatches of ${name}`)
    }
  }

  /** From their stores: every block of the chain once. */
  checkWitnessStores(): void {
    for (const name of witnesses) mustHoldEachOnce(this.storeFile(name), name, 1, this.head)
  }

  /** Every artifact in the cache is whole. */
  async checkArtifacts(): Promise<void> {
    const cacheDir = join(this.test.stateDir, 'artifacts')
    for (const { key, isWhole } of await artifactKeys(cacheDir))
      mustHold(isWhole, `the cache holds a broken artifact ${key}`)
  }

  async artifactFolders(): Promise<string[]> {
    return (await readdir(join(this.test.stateDir, 'artifacts'))).filter((name) =>
      /^[0-9a-f]{64}$/.test(name),
    )
  }
}
