/** What the console may ask of the engine: thin adapters, one per call of the IPC schema. */
import { app, clipboard, shell } from 'electron'
import { preferencesSchema } from '../../shared/domain/settings.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { PaddockHandlers } from '../../shared/ipc/schema.ts'
import { actorHandlers } from './handlers/actors.ts'
import { configHandlers } from './handlers/config.ts'
import { deciderHandlers } from './handlers/deciders.ts'
import { definedOnly, type HandlerContext } from './handlers/context.ts'
import { flowHandlers } from './handlers/flows.ts'
import { guardHandlers } from './handlers/guards.ts'
import { moduleHandlers } from './handlers/modules.ts'
import { storeHandlers } from './handlers/store.ts'
import { toolHandlers } from './handlers/tools.ts'

export function createHandlers(context: HandlerContext): PaddockHandlers {
  const { engine, settings } = context
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
    modules: moduleHandlers(context),
    actors: actorHandlers(context),
    config: configHandlers(context),
    deciders: deciderHandlers(context),
    flows: flowHandlers(context),
    ...guardHandlers(context),
    store: storeHandlers(context),
    ...toolHandlers(context),
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
