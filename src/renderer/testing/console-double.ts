import { defaultLimits, moduleLimitsSchema } from '../../shared/domain/limits.ts'
import type { Dispatch, ModuleView } from '../../shared/domain/module.ts'
import type { QueryAnswer } from '../../shared/contracts/query-module.ts'
import type { Snapshot } from '../../shared/domain/engine.ts'
import type { LogFilter, LogRecord } from '../../shared/domain/log.ts'
import type { Preferences } from '../../shared/domain/settings.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { PaddockClient, PaddockEmitters, PaddockHandlers } from '../../shared/ipc/schema.ts'
import { DeciderDouble } from './decider-double.ts'
import { deriveDouble } from './derive.ts'
import { idleUsage, sampleBounds, sampleDispatch, sampleLog, sampleModule, sampleRequest } from './samples.ts'
import { savedChain, triedEndpoint } from './saved-chain.ts'
import { todoActors } from './actors/todo-actors.ts'
import { ConfigDouble } from './config-double.ts'
import { FlowsDouble } from './flows/flows-double.ts'
import { GuardsDouble } from './guards/guards-double.ts'
import { fits } from './log-filter.ts'
import { storeDouble } from './store-double.ts'
import { ToolsDouble } from './tools/tools-double.ts'
import { sampleSeries } from './sample-series.ts'

type Change = Parameters<PaddockEmitters['state']['changed']>[0]

/** An engine in memory behind the real IPC schema: it keeps state, answers as main does, and moves when told. */
export class ConsoleDouble {
  readonly client: PaddockClient
  readonly calls: { readonly call: string; readonly input: unknown }[] = []
  readonly logs: LogRecord[] = []
  readonly dispatches = new Map<string, Dispatch[]>()
  readonly store = new Map<string, Uint8Array>()
  preferences: Preferences = { theme: 'dark', density: 'regular' }
  request = sampleRequest()
  /** Paths whose inspection fails, and how. */
  readonly badPaths = new Map<string, PaddockError>()
  picked: string | null = null
  readonly deciders = new DeciderDouble()
  readonly actors = todoActors()
  readonly flows = new FlowsDouble()
  readonly tools = new ToolsDouble()
  readonly guards = new GuardsDouble(() => this.#snapshot.modules)
  readonly config = new ConfigDouble()
  /** What a query module answers; the input unless set. */
  answerQuery: ((input: Uint8Array) => QueryAnswer) | null = null
  readonly #emit: PaddockEmitters
  readonly #tails = new Set<{
    filter: LogFilter
    push: (items: readonly LogRecord[], dropped: number) => void
  }>()
  readonly #watches = new Set<{ name: string; push: (items: readonly Dispatch[], dropped: number) => void }>()
  #snapshot: Snapshot

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
    const { client, emit } = deriveDouble(this.#handlers())
    this.client = client
    this.#emit = emit
  }

  get snapshot(): Snapshot {
    return this.#snapshot
  }

  /** Sends a change with the next version, or with a gap before it. */
  change(change: Omit<Change, 'version'>, skip = 0): void {
    const {
      modulesRemoved = [],
      chainsRemoved = [],
      modules = [],
      chains = [],
      activity = [],
      ...rest
    } = change
    const version = this.#snapshot.version + 1 + skip
    const kept = this.#snapshot.modules.filter(
      ({ name }) => !modulesRemoved.includes(name) && !modules.some((module) => module.name === name),
    )
    const keptChains = this.#snapshot.chains.filter(
      ({ config }) =>
        !chainsRemoved.includes(config.chainId) &&
        !chains.some((chain) => chain.config.chainId === config.chainId),
    )
    this.#snapshot = {
      ...this.#snapshot,
      ...(rest as Partial<Snapshot>),
      version,
      modules: [...kept, ...(modules as ModuleView[])],
      chains: [...keptChains, ...(chains as Snapshot['chains'])],
      activity: [...this.#snapshot.activity, ...activity],
    }
    this.#emit.state.changed({ ...change, version })
  }

  setModule(name: string, change: Partial<ModuleView>): void {
    const module = this.#module(name)
    this.change({ modules: [{ ...module, ...change }] })
  }

  log(record: LogRecord): void {
    this.logs.push(record)
    for (const tail of this.#tails) if (fits(record, tail.filter)) tail.push([record], 0)
  }

  dispatch(name: string, dispatch: Dispatch): void {
    this.dispatches.set(name, [dispatch, ...(this.dispatches.get(name) ?? [])])
    for (const watch of this.#watches) if (watch.name === name) watch.push([dispatch], 0)
  }

  offer(path: string): void {
    this.#emit.modules.offered({ path })
  }

  /** Makes blocks, dispatches and log lines, as a devnet does, until the returned function is called. */
  live(everyMs = 2_000): () => void {
    let block = 12_841
    const heartbeat = setInterval(() => this.change({ engine: this.#snapshot.engine }), 900)
    const blocks = setInterval(() => {
      block += 1
      const chain = this.#snapshot.chains.find((each) => each.devnet)
      if (chain === undefined) return
      this.change({
        chains: [
          { ...chain, head: { number: block, hash: '0x00', timestamp: Date.now(), receivedAt: Date.now() } },
        ],
      })
      for (const name of chain.modules) {
        this.dispatch(name, sampleDispatch(block, { blockNumber: block, startedAt: Date.now() }))
        this.log(
          sampleLog(this.logs.length, {
            module: name,
            message: `block ${block}: 187 transactions, base fee 4.1 gwei`,
            eventType: 'block',
            chainId: '31337',
            blockNumber: block,
          }),
        )
      }
    }, everyMs)
    return () => {
      clearInterval(heartbeat)
      clearInterval(blocks)
    }
  }

  #module(name: string): ModuleView {
    const module = this.#snapshot.modules.find((each) => each.name === name)
    if (module === undefined) throw new PaddockError('module.unknown', `No module "${name}" is loaded.`)
    return module
  }

  #note(call: string, input: unknown): void {
    this.calls.push({ call, input })
  }

  #handlers(): PaddockHandlers {
    const sleep = (name: string): void =>
      this.setModule(name, {
        status: { state: 'stopped', since: Date.now() },
        pid: null,
        usage: { ...idleUsage, storeBytes: this.#module(name).usage.storeBytes },
      })
    const run = (name: string): void =>
      this.setModule(name, {
        status: { state: 'running', since: Date.now() },
        pid: 5_000,
        run: this.#module(name).run + 1,
        usage: sampleModule(name).usage,
      })
    return {
      app: {
        info: () => ({
          version: '0.1.0',
          electron: '45.4.1',
          node: '26.10.0',
          platform: 'linux x64',
          stateDir: this.#snapshot.engine.stateDir,
        }),
        copyText: (input) => this.#note('app.copyText', input),
        revealStateDir: () => this.#note('app.revealStateDir', undefined),
        leaveSafeMode: () => this.change({ engine: { ...this.#snapshot.engine, safeMode: false } }),
      },
      preferences: {
        get: () => this.preferences,
        set: (change) => {
          const { theme, density } = change
          this.preferences = {
            theme: theme ?? this.preferences.theme,
            density: density ?? this.preferences.density,
          }
          return this.preferences
        },
      },
      state: {
        snapshot: () => this.#snapshot,
        series: ({ module }) => sampleSeries(module === null ? null : this.#module(module)),
        dismissNotice: ({ id }) =>
          this.change({ notices: this.#snapshot.notices.filter((notice) => notice.id !== id) }),
      },
      modules: {
        pick: () => this.picked,
        inspect: async ({ path, token }) => {
          this.#note('modules.inspect', { path })
          this.#emit.modules.progress({ token, step: 'Reading the manifest', fraction: 0.4 })
          const bad = this.badPaths.get(path)
          if (bad !== undefined) throw bad
          return { ...this.request, bundlePath: path }
        },
        cancel: (input) => this.#note('modules.cancel', input),
        install: (input) => {
          this.#note('modules.install', input)
          this.change({
            modules: [
              sampleModule(this.request.name, {
                status: { state: input.start ? 'running' : 'stopped', since: Date.now() },
              }),
            ],
          })
          return { name: this.request.name }
        },
        discard: (input) => this.#note('modules.discard', input),
        pending: ({ name }) => sampleRequest({ name }),
        start: ({ name }) => {
          this.#note('modules.start', { name })
          run(name)
        },
        revive: ({ name }) => {
          this.#note('modules.revive', { name })
          run(name)
          this.setModule(name, { quarantine: null })
        },
        disable: ({ name }) => sleep(name),
        quarantine: ({ name }) => {
          const { quarantine } = this.#module(name)
          return quarantine === null ? null : { quarantine, lastLines: this.logs.slice(-50) }
        },
        limitBounds: () => sampleBounds,
        setLimits: ({ name, limits }) =>
          this.setModule(name, {
            limitsSet: limits ?? {},
            limits: moduleLimitsSchema.parse({ ...defaultLimits, ...limits }),
          }),
        stop: ({ name }) => {
          this.#note('modules.stop', { name })
          sleep(name)
        },
        restart: ({ name }) => {
          this.#note('modules.restart', { name })
          run(name)
        },
        reload: ({ name }) => {
          this.#note('modules.reload', { name })
          return { changed: false, consentNeeded: false }
        },
        remove: (input) => {
          this.#note('modules.remove', input)
          this.change({ modulesRemoved: [input.name] })
        },
        dispatches: ({ name, limit }) => (this.dispatches.get(name) ?? []).slice(0, limit),
        watchDispatches: ({ name }, push) => {
          const watch = { name, push }
          this.#watches.add(watch)
          return () => void this.#watches.delete(watch)
        },
        query: ({ input }) => this.answerQuery?.(input) ?? { ok: true, value: input },
        watchFolder: ({ path }) => this.change({ watchFolders: [...this.#snapshot.watchFolders, path] }),
        unwatchFolder: ({ path }) =>
          this.change({ watchFolders: this.#snapshot.watchFolders.filter((each) => each !== path) }),
      },
      ...this.guards.handlers,
      config: this.config.handlers,
      actors: this.actors.handlers(),
      deciders: this.deciders.handlers,
      flows: this.flows.handlers(),
      ...this.tools.handlers(),
      store: storeDouble({
        store: this.store,
        picked: () => this.picked,
        note: (call, input) => this.#note(call, input),
        state: (name) => this.#module(name).status.state,
      }),
      logs: {
        query: ({ filter, before, limit }) => {
          const all = this.logs.filter(
            (record) => fits(record, filter) && (before === null || record.id < before),
          )
          return { records: all.slice(-limit), more: all.length > limit }
        },
        tail: (filter, push) => {
          const tail = { filter, push }
          this.#tails.add(tail)
          return () => void this.#tails.delete(tail)
        },
      },
      chains: {
        save: ({ config }) => {
          this.#note('chains.save', config)
          const known = this.#snapshot.chains.find((chain) => chain.config.chainId === config.chainId)
          this.change({ chains: [savedChain(config, known)] })
        },
        remove: ({ chainId }) => this.change({ chainsRemoved: [chainId] }),
        test: triedEndpoint,
      },
      devnet: {
        start: () => {
          this.change({
            devnet: {
              ...this.#snapshot.devnet,
              state: 'running',
              url: 'ws://127.0.0.1:8545',
              pid: 4_712,
              error: null,
            },
          })
          return this.#snapshot.devnet
        },
        stop: () => {
          this.change({ devnet: { ...this.#snapshot.devnet, state: 'stopped', url: null, pid: null } })
          return this.#snapshot.devnet
        },
      },
      console: { fault: (report) => this.#note('console.fault', report) },
    }
  }
}
