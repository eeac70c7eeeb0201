/**
 * What the console shows, as one versioned snapshot and its changes. Sources mark what changed; the
 * views are built at most four times a second, however often something changes (style 3).
 */
import { isDeepStrictEqual } from 'node:util'
import type { ChainView, DevnetView } from '../shared/domain/chain.ts'
import type { Activity, EngineView, Notice, Snapshot, SnapshotChange } from '../shared/domain/engine.ts'
import type { ModuleView } from '../shared/domain/module.ts'
import type { ErrorReport } from '../shared/errors.ts'
import type { Clock } from './clock.ts'

const refreshEveryMs = 1_000
const coalesceMs = 250
const activityKept = 200

/** Where the hub takes its views from. */
export interface StateSources {
  engine(): EngineView
  modules(): ModuleView[]
  chains(): ChainView[]
  devnet(): DevnetView
  watchFolders(): string[]
}

export class StateHub {
  private readonly clock: Clock
  private readonly sources: StateSources
  private readonly listeners = new Set<(change: SnapshotChange) => void>()
  private readonly notices = new Map<string, Notice>()
  private activity: Activity[] = []
  private freshActivity: Activity[] = []
  private nextActivity = 1
  private noticesChanged = false
  private last: Snapshot
  private cancelPending: (() => void) | undefined
  private readonly stopRefresh: () => void

  constructor(clock: Clock, sources: StateSources) {
    this.clock = clock
    this.sources = sources
    this.last = this.build(0)
    this.stopRefresh = clock.every(refreshEveryMs, () => this.publish())
  }

  snapshot(): Snapshot {
    this.publish()
    return this.last
  }

  onChange(listener: (change: SnapshotChange) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Something changed: send it soon. */
  touch(): void {
    this.cancelPending ??= this.clock.after(coalesceMs, () => this.publish())
  }

  /** Shows a lasting condition; the same id replaces the earlier one. */
  raise(id: string, severity: Notice['severity'], subject: Notice['subject'], error: ErrorReport): void {
    this.notices.set(id, { id, time: this.clock.now(), severity, subject, error })
    this.noticesChanged = true
    this.touch()
  }

  /** The condition ended, or the operator has seen it. */
  clear(id: string): void {
    if (!this.notices.delete(id)) return
    this.noticesChanged = true
    this.touch()
  }

  note(severity: Activity['severity'], subject: string, event: string, text: string): void {
    const entry: Activity = {
      id: this.nextActivity++,
      time: this.clock.now(),
      severity,
      subject,
      event,
      text,
    }
    this.activity = [...this.activity.slice(-(activityKept - 1)), entry]
    this.freshActivity.push(entry)
    this.touch()
  }

  dispose(): void {
    this.stopRefresh()
    this.cancelPending?.()
    this.listeners.clear()
  }

  private build(version: number): Snapshot {
    return {
      version,
      engine: this.sources.engine(),
      modules: this.sources.modules(),
      chains: this.sources.chains(),
      devnet: this.sources.devnet(),
      notices: [...this.notices.values()],
      activity: this.activity,
      watchFolders: this.sources.watchFolders(),
    }
  }

  private publish(): void {
    this.cancelPending?.()
    this.cancelPending = undefined
    const before = this.last
    const after = this.build(before.version + 1)
    const change = this.difference(before, after)
    this.last = after
    this.freshActivity = []
    this.noticesChanged = false
    for (const listener of this.listeners) listener(change)
  }

  private difference(before: Snapshot, after: Snapshot): SnapshotChange {
    const modules = changed(before.modules, after.modules, (module) => module.name)
    const chains = changed(before.chains, after.chains, (chain) => chain.config.chainId)
    return {
      version: after.version,
      engine: after.engine,
      ...(modules.changed.length > 0 ? { modules: modules.changed } : {}),
      ...(modules.removed.length > 0 ? { modulesRemoved: modules.removed } : {}),
      ...(chains.changed.length > 0 ? { chains: chains.changed } : {}),
      ...(chains.removed.length > 0 ? { chainsRemoved: chains.removed } : {}),
      ...(isDeepStrictEqual(before.devnet, after.devnet) ? {} : { devnet: after.devnet }),
      ...(this.noticesChanged ? { notices: after.notices } : {}),
      ...(this.freshActivity.length > 0 ? { activity: this.freshActivity } : {}),
      ...(isDeepStrictEqual(before.watchFolders, after.watchFolders)
        ? {}
        : { watchFolders: after.watchFolders }),
    }
  }
}

function changed<T>(
  before: readonly T[],
  after: readonly T[],
  key: (item: T) => string,
): { changed: T[]; removed: string[] } {
  const old = new Map(before.map((item) => [key(item), item]))
  const present = new Set(after.map(key))
  return {
    changed: after.filter((item) => !isDeepStrictEqual(old.get(key(item)), item)),
    removed: [...old.keys()].filter((name) => !present.has(name)),
  }
}
