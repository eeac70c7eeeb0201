/** The console's calls about the stores of modules. */
import { dialog } from 'electron'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import type { HandlerContext } from './context.ts'

export function storeHandlers({ engine, window }: HandlerContext): PaddockHandlers['store'] {
  return {
    keys: (query) => engine.modules.storeKeys(query),
    value: ({ name, key }) => engine.modules.storeValue(name, key),
    pickTarget: async ({ suggestion }) => {
      const options = { title: 'Export the store to', defaultPath: suggestion }
      const parent = window()
      const answer = await (parent === null
        ? dialog.showSaveDialog(options)
        : dialog.showSaveDialog(parent, options))
      return answer.canceled || answer.filePath === '' ? null : answer.filePath
    },
    pickSource: async () => {
      const options = { title: 'Choose an exported store', properties: ['openFile' as const] }
      const parent = window()
      const answer = await (parent === null
        ? dialog.showOpenDialog(options)
        : dialog.showOpenDialog(parent, options))
      return answer.filePaths[0] ?? null
    },
    export: ({ name, path }) => engine.stores.export(name, path),
    backup: ({ name, path }) => engine.stores.backup(name, path),
    import: ({ name, path }) => engine.stores.import(name, path),
    compact: ({ name }) => engine.stores.compact(name),
    purge: ({ name }) => engine.stores.purge(name),
  }
}
