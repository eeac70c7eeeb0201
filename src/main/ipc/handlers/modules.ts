/** The console's calls about installed modules and bundles. */
import { dialog } from 'electron'
import { PaddockError } from '../../../shared/errors.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import { definedOnly, type HandlerContext } from './context.ts'

export function moduleHandlers(context: HandlerContext): PaddockHandlers['modules'] {
  const { engine } = context
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
    pick: async ({ kind }) => {
      const window = context.window()
      const options = {
        title: kind === 'folder' ? 'Choose a bundle folder' : 'Choose a component or an archive',
        properties: [kind === 'folder' ? ('openDirectory' as const) : ('openFile' as const)],
        filters:
          kind === 'file' ? [{ name: 'Modules', extensions: ['wasm', 'tar.gz', 'tgz', 'gz', 'zip'] }] : [],
      }
      const answer =
        window === null ? await dialog.showOpenDialog(options) : await dialog.showOpenDialog(window, options)
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
    query: ({ name, input }) => engine.contracts.queries.ask(name, input),
    watchFolder: ({ path }) => engine.watchFolder(path),
    unwatchFolder: ({ path }) => engine.unwatchFolder(path),
  }
}
