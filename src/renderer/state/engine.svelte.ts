import type { ChainView, DevnetView } from '../../shared/domain/chain.ts'
import type { Activity, EngineView, Notice, Snapshot, SnapshotChange } from '../../shared/domain/engine.ts'
import type { ModuleView } from '../../shared/domain/module.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

/** Entries of the activity list kept in the page. */
const maxActivity = 500
/** Changes held while a snapshot is on its way; more means the snapshot is asked for again anyway. */
const maxHeld = 1_000
/** The engine's figures come at least once a second; silent for longer than this, they are stale. */
export const silentAfterMs = 2_000

function merged<T>(
  present: readonly T[],
  changed: readonly T[] | undefined,
  removed: readonly string[] | undefined,
  keyOf: (item: T) => string,
): readonly T[] {
  if (changed === undefined && removed === undefined) return present
  const byKey = new Map(present.map((item) => [keyOf(item), item]))
  for (const item of changed ?? []) byKey.set(keyOf(item), item)
  for (const key of removed ?? []) byKey.delete(key)
  return [...byKey.values()]
}

const moduleKey = (module: ModuleView): string => module.name
const chainKey = (chain: ChainView): string => chain.config.chainId

/** What the engine last said, kept current by its changes. */
export class EngineState {
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  error = $state.raw<ErrorReport | null>(null)
  engine = $state.raw<EngineView | null>(null)
  modules = $state.raw<readonly ModuleView[]>([])
  chains = $state.raw<readonly ChainView[]>([])
  devnet = $state.raw<DevnetView | null>(null)
  notices = $state.raw<readonly Notice[]>([])
  activity = $state.raw<readonly Activity[]>([])
  watchFolders = $state.raw<readonly string[]>([])
  /** When the engine was last heard of, in milliseconds since the epoch. */
  heardAt = $state(0)

  readonly #client: PaddockClient
  #version = -1
  #asking = false
  #held: SnapshotChange[] = []

  constructor(client: PaddockClient) {
    this.#client = client
  }

  /** Follows the engine until the returned function is called. */
  start(): () => void {
    const stop = this.#client.state.changed((change) => this.#receive(change))
    void this.resync()
    return stop
  }

  /** Asks for the whole state; changes that arrive meanwhile are applied on top of it. */
  async resync(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      this.#take(await this.#client.state.snapshot())
      this.#asking = false
      this.#applyHeld()
    } catch (thrown) {
      this.#asking = false
      this.error = toErrorReport(thrown)
      if (this.phase === 'loading') this.phase = 'failed'
    }
  }

  retry(): void {
    this.phase = 'loading'
    void this.resync()
  }

  module(name: string): ModuleView | undefined {
    return this.modules.find((module) => module.name === name)
  }

  chain(chainId: string): ChainView | undefined {
    return this.chains.find((chain) => chain.config.chainId === chainId)
  }

  /** The name the operator gave a chain, or its id. */
  chainName(chainId: string): string {
    return this.chain(chainId)?.config.name ?? `chain ${chainId}`
  }

  #receive(change: SnapshotChange): void {
    this.heardAt = Date.now()
    if (this.#asking || this.phase === 'failed') {
      if (this.#held.length < maxHeld) this.#held.push(change)
      if (this.phase === 'failed') this.retry()
      return
    }
    this.#apply(change)
  }

  #apply(change: SnapshotChange): void {
    if (change.version <= this.#version) return
    if (change.version !== this.#version + 1) {
      this.#held = [change]
      void this.resync()
      return
    }
    this.#version = change.version
    this.engine = change.engine ?? this.engine
    this.modules = merged(this.modules, change.modules, change.modulesRemoved, moduleKey)
    this.chains = merged(this.chains, change.chains, change.chainsRemoved, chainKey)
    this.devnet = change.devnet ?? this.devnet
    this.notices = change.notices ?? this.notices
    this.watchFolders = change.watchFolders ?? this.watchFolders
    if (change.activity !== undefined) {
      this.activity = [...this.activity, ...change.activity].slice(-maxActivity)
    }
  }

  #applyHeld(): void {
    const held = this.#held
    this.#held = []
    for (const change of held) this.#receive(change)
  }

  #take(snapshot: Snapshot): void {
    this.#version = snapshot.version
    this.engine = snapshot.engine
    this.modules = snapshot.modules
    this.chains = snapshot.chains
    this.devnet = snapshot.devnet
    this.notices = snapshot.notices
    this.activity = snapshot.activity.slice(-maxActivity)
    this.watchFolders = snapshot.watchFolders
    this.heardAt = Date.now()
    this.error = null
    this.phase = 'ready'
  }
}
