/** What the console may ask of the engine: thin adapters, one per call of the IPC schema. */
import { app, clipboard, dialog, shell, type BrowserWindow } from 'electron'
import type { Engine } from '../../engine/engine.ts'
import type { SettingsPort } from '../../engine/settings-port.ts'
import { preferencesSchema } from '../../shared/domain/settings.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { PaddockHandlers } from '../../shared/ipc/schema.ts'

export interface HandlerContext {
  readonly engine: Engine
  readonly settings: SettingsPort
  readonly window: () => BrowserWindow | null
  readonly onPreferences: () => void
  readonly emitProgress: (token: string, step: string, fraction: number | null) => void
}

export function createHandlers(context: HandlerContext): PaddockHandlers {
  const { engine, settings } = context
  const cancellations = new Map<string, AbortController>()

  /** Runs work that the page may cancel by its token. */
  async function cancellable<T>(token: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (cancellations.has(token)) throw new PaddockError('ipc.invalid_input', 'This token is in use.')
    const controller = new AbortController()
    cancellations.set(token, controller)
    try {
      return await work(controller.signal)
    } finally {
      cancellations.delete(token)
    }
  }

  return {
    app: {
      info: () => ({
        version: app.getVersion(),
        electron: process.versions.electron,
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
        stateDir: engine.stateDir,
      }),
      copyText: async ({ text }) => {
        await clipboard.writeText(text)
      },
      revealStateDir: async () => {
        const problem = await shell.openPath(engine.stateDir)
        if (problem !== '') throw new PaddockError('internal.bug', 'The folder could not be shown.')
      },
      leaveSafeMode: () => engine.leaveSafeMode(),
    },
    preferences: {
      get: () => preferencesSchema.parse(settings.get()),
      set: (change) => {
        settings.set({ ...settings.get(), ...definedOnly(change) })
        context.onPreferences()
        return preferencesSchema.parse(settings.get())
      },
    },
    state: {
      snapshot: () => engine.state.snapshot(),
      series: ({ module }) => engine.series(module),
      dismissNotice: ({ id }) => engine.state.clear(id),
    },
    modules: {
      pick: async ({ kind }) => {
        const window = context.window()
        const options = {
          title: kind === 'folder' ? 'Choose a bundle folder' : 'Choose a component or an archive',
          properties: [kind === 'folder' ? ('openDirectory' as const) : ('openFile' as const)],
          filters:
            kind === 'file' ? [{ name: 'Modules', extensions: ['wasm', 'tar.gz', 'tgz', 'gz', 'zip'] }] : [],
        }
        const answer =
          window === null
            ? await dialog.showOpenDialog(options)
            : await dialog.showOpenDialog(window, options)
        return answer.filePaths[0] ?? null
      },
      inspect: ({ path, token }) =>
        cancellable(token, (signal) =>
          engine.modules.inspect(path, {
            signal,
            onProgress: (step, fraction) => context.emitProgress(token, step, fraction),
          }),
        ),
      cancel: ({ token }) => cancellations.get(token)?.abort(),
      install: async ({ requestId, granted, start }) => ({
        name: await engine.modules.install(requestId, granted, start),
      }),
      discard: ({ requestId }) => engine.modules.discard(requestId),
      pending: ({ name }) => engine.modules.pendingOf(name),
      start: ({ name }) => engine.modules.start(name),
      stop: ({ name }) => engine.modules.stop(name),
      restart: ({ name }) => engine.modules.restart(name),
      revive: ({ name }) => engine.modules.revive(name),
      disable: ({ name }) => engine.modules.disable(name),
      quarantine: ({ name }) => engine.modules.quarantine(name),
      limitBounds: ({ name }) => engine.modules.limitBounds(name),
      setLimits: ({ name, limits }) =>
        engine.modules.setLimits(name, limits === null ? null : definedOnly(limits)),
      reload: ({ name }) => engine.modules.reload(name),
      remove: ({ name, purgeStore }) => engine.modules.remove(name, purgeStore),
      dispatches: ({ name, limit }) => engine.modules.dispatches(name, limit),
      watchDispatches: ({ name }, push) => engine.modules.onDispatch(name, (dispatch) => push([dispatch], 0)),
      watchFolder: ({ path }) => engine.watchFolder(path),
      unwatchFolder: ({ path }) => engine.unwatchFolder(path),
    },
    store: {
      keys: (query) => engine.modules.storeKeys(query),
      value: ({ name, key }) => engine.modules.storeValue(name, key),
    },
    logs: {
      query: ({ filter, before, limit }) => engine.logs.query(filter, before, limit),
      tail: (filter, push) => engine.logs.follow(filter, (records) => push(records, 0)),
    },
    chains: {
      save: ({ config }) => engine.chains.save(config),
      remove: ({ chainId }) => engine.chains.remove(chainId),
      test: (query) => engine.chains.test(query),
    },
    devnet: {
      start: () => engine.startDevnet(),
      stop: () => engine.stopDevnet(),
    },
    console: {
      fault: (report) => engine.reportConsoleFault(report),
    },
  }
}

function definedOnly<T extends object>(change: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
