/** Modules that are announced on chain: looked for, fetched, and brought in as the operator allows (spec nexum-host 15). */
import type { DiscoverySource } from '../../shared/domain/operator/content.ts'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { ChainService } from '../chains/chain-service.ts'
import { parseReference } from '../content/references.ts'
import type { Clock } from '../clock.ts'
import type { Installer } from '../modules/installer.ts'
import type { ModuleRegistry } from '../modules/registry.ts'
import type { SettingsPort } from '../settings-port.ts'
import type { StateHub } from '../state-hub.ts'
import { readDiscoveryRecord, writeDiscoveryRecord, type DiscoveryRecord } from './discovery-record.ts'
import type { RpcRequest } from './eth-reader.ts'
import { look, sourceKey, type Announcement } from './watchers.ts'

export interface DiscoveryOptions {
  readonly file: string
  readonly clock: Clock
  readonly settings: SettingsPort
  readonly chains: Pick<ChainService, 'configs'>
  readonly request: RpcRequest
  readonly installer: Installer
  readonly registry: ModuleRegistry
  readonly state: StateHub
}

const usualRange = 1_000
/** Modules that one source may have waiting for review: anybody may announce, and each is fetched and recorded. */
const maxStrangers = 256

export class Discovery {
  private readonly options: DiscoveryOptions
  private record: DiscoveryRecord = { nextBlocks: {}, modules: {} }
  private readonly timers = new Map<string, () => void>()
  private readonly announced = new Map<string, string>()
  /** Announcements whose bundle waits for the operator. */
  private readonly staged = new Set<string>()
  private working: Promise<void> = Promise.resolve()
  private isStopped = false

  constructor(options: DiscoveryOptions) {
    this.options = options
  }

  /** Begins to look at every source of the settings; settles at once, each look comes by itself. */
  async start(): Promise<void> {
    this.record = await readDiscoveryRecord(this.options.file)
    for (const source of this.options.settings.get().operator.discovery.sources) this.schedule(source, 0)
  }

  async stop(): Promise<void> {
    this.isStopped = true
    for (const cancel of this.timers.values()) cancel()
    this.timers.clear()
    await this.working
  }

  /** What announced a reference, so that it is judged as discovered whoever opens it. */
  announcedBy(reference: string): string | undefined {
    return this.announced.get(reference)
  }

  private schedule(source: DiscoverySource, delayMs: number): void {
    if (this.isStopped) return
    const key = sourceKey(source)
    this.timers.set(
      key,
      this.options.clock.after(delayMs, () => {
        // One source after the other: a look loads bundles, and two must not bring in the same module at once.
        this.working = this.working.then(() => this.lookAt(source))
        void this.working.then(() => this.schedule(source, source.pollIntervalMs))
      }),
    )
  }

  private async lookAt(source: DiscoverySource): Promise<void> {
    if (this.isStopped) return
    const { settings, chains, request, state, file } = this.options
    const key = sourceKey(source)
    const notice = `discovery ${key}`
    const chain = chains.configs().find(({ chainId }) => chainId === source.chainId)
    try {
      const { announcements, nextBlock } = await look(source, {
        request,
        discovery: settings.get().operator.discovery,
        nextBlock: this.record.nextBlocks[key] ?? 0,
        maxRange: chain?.maxLogRangeBlocks ?? usualRange,
      })
      state.clear(notice)
      for (const announcement of latest([...this.waiting(key), ...announcements])) {
        if (this.isTooMany(key, announcement))
          state.raise(notice, 'warn', { kind: 'settings' }, tooMany(source))
        else await this.take(announcement, key)
      }
      this.record.nextBlocks[key] = nextBlock
      await writeDiscoveryRecord(file, this.record)
    } catch (error) {
      const report = error instanceof PaddockError ? error.toReport() : failed(source, error)
      state.raise(notice, 'warn', { kind: 'settings' }, report)
    }
  }

  /** What a source announced earlier and is not brought in yet. */
  private waiting(source: string): Announcement[] {
    return Object.entries(this.record.modules)
      .filter(([key, { isLoaded }]) => !isLoaded && (key === source || key.startsWith(`${source} `)))
      .map(([key, { reference, isAllowed }]) => ({ kind: 'offered', key, reference, isAllowed }))
  }

  /** Whether a source that the operator does not trust has announced more than a person looks through. */
  private isTooMany(source: string, announcement: Announcement): boolean {
    if (announcement.kind === 'removed' || announcement.isAllowed) return false
    if (Object.hasOwn(this.record.modules, announcement.key)) return false
    const waiting = Object.keys(this.record.modules).filter((key) => key.startsWith(`${source} `))
    return waiting.length >= maxStrangers
  }

  /** Whether the module came from this announcement: what others brought in is none of its business. */
  private isFrom(name: string, key: string): boolean {
    return this.options.registry.find(name)?.record.discoveredBy === key
  }

  private async take(announcement: Announcement, source: string): Promise<void> {
    if (this.isStopped) return
    const { installer, registry, state } = this.options
    const { key } = announcement
    const before = this.record.modules[key]
    const notice = `discovered ${key}`
    if (announcement.kind === 'removed') {
      state.clear(notice)
      const name = before?.module ?? null
      if (name !== null && this.isFrom(name, key)) {
        await registry.stop(name)
        state.note('idle', name, 'stopped', `${name} was taken back by its publisher`)
      }
      this.record.modules = Object.fromEntries(
        Object.entries(this.record.modules).filter(([each]) => each !== key),
      )
      return
    }
    const { reference, isAllowed } = announcement
    try {
      // A publisher names content and never a path of this machine or its network.
      parseReference(reference)
    } catch (error) {
      state.raise(`discovery ${source} refused`, 'warn', { kind: 'settings' }, toErrorReport(error))
      return
    }
    this.announced.set(reference, key)
    // What waits for review is held in memory only: a new engine asks again.
    if (before?.reference === reference && (before.isLoaded || this.staged.has(key))) return
    this.staged.delete(key)
    this.record.modules[key] = { reference, module: before?.module ?? null, isAllowed, isLoaded: false }
    try {
      const { name, outcome } = await installer.discover(reference, key, isAllowed)
      this.record.modules[key] = { reference, module: name, isAllowed, isLoaded: outcome !== 'staged' }
      if (outcome === 'staged') {
        this.staged.add(key)
        const waits = new PaddockError('module.consent_required', `${name} was announced by ${key}.`, {
          details: { bundlePath: reference },
        })
        state.raise(notice, 'warn', { kind: 'watch-folder', path: reference }, waits.toReport())
      } else {
        state.clear(notice)
        // Announced anew after it was taken back.
        if (before === undefined && outcome === 'unchanged' && this.isFrom(name, key))
          await registry.start(name)
        if (outcome !== 'unchanged') state.note('ok', name, outcome, `${name} ${outcome} from ${key}`)
      }
    } catch (error) {
      state.raise(notice, 'warn', { kind: 'watch-folder', path: reference }, toErrorReport(error))
    }
  }
}

function tooMany(source: DiscoverySource): ReturnType<typeof toErrorReport> {
  const message = `${sourceKey(source)} announces more than ${maxStrangers} modules; the others are left out.`
  return new PaddockError('discovery.failed', message).toReport()
}

/** Only the last word on each key counts. */
function latest(announcements: readonly Announcement[]): Announcement[] {
  const byKey = new Map<string, Announcement>()
  for (const announcement of announcements) {
    byKey.delete(announcement.key)
    byKey.set(announcement.key, announcement)
  }
  return [...byKey.values()]
}

function failed(source: DiscoverySource, cause: unknown): ReturnType<typeof toErrorReport> {
  const reason = cause instanceof Error ? cause.message : 'unknown'
  return new PaddockError('discovery.failed', `${sourceKey(source)} could not be read: ${reason}`, {
    cause,
  }).toReport()
}
