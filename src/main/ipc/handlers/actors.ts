/** The console's calls about the actors of a module. */
import { writeFile } from 'node:fs/promises'
import { dialog } from 'electron'
import { readExportDigest } from '../../../engine/contracts/actor/export-digest.ts'
import type { ActorAddress } from '../../../engine/contracts/actor/namespace.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import type { HandlerContext } from './context.ts'

function addressOf(ref: { id: string; generation?: number | undefined }): ActorAddress {
  return { id: ref.id, generation: ref.generation }
}

export function actorHandlers({ engine, window }: HandlerContext): PaddockHandlers['actors'] {
  const { actors } = engine.contracts
  const pickTarget = async (suggestion: string): Promise<string | null> => {
    const options = { title: 'Choose where to write', defaultPath: suggestion }
    const parent = window()
    const answer = await (parent === null
      ? dialog.showSaveDialog(options)
      : dialog.showSaveDialog(parent, options))
    return answer.filePath === '' ? null : answer.filePath
  }
  return {
    list: ({ name, after, limit }) => actors.list(name, after, limit),
    search: ({ name, contains, limit }) => actors.search(name, contains, limit),
    view: ({ name, key }) => actors.view(name, key),
    request: async ({ name, key, method, payload }) => {
      try {
        return { ok: true, answer: await actors.request(name, { key }, method, payload) }
      } catch (error) {
        return { ok: false, error: toErrorReport(error) }
      }
    },
    sleep: ({ name, ...ref }) => actors.sleep(name, addressOf(ref)),
    destroy: ({ name, ...ref }) => actors.destroy(name, addressOf(ref)),
    tables: ({ name, ...ref }) => actors.tables(name, addressOf(ref)),
    rows: ({ name, table, offset, limit, ...ref }) =>
      actors.rows(name, addressOf(ref), { table, offset, limit }),
    query: ({ name, sql, maxRows, ...ref }) => actors.query(name, addressOf(ref), { sql, maxRows }),
    info: ({ name, ...ref }) => actors.info(name, addressOf(ref)),
    pickTarget: ({ suggestion }) => pickTarget(suggestion),
    saveRows: async ({ suggestion, text }) => {
      const target = await pickTarget(suggestion)
      if (target !== null)
        await writeFile(target, text, 'utf8').catch((error: unknown) => fail(target, error))
      return target
    },
    pickSource: async () => {
      const options = { title: 'Choose an exported database', properties: ['openFile' as const] }
      const parent = window()
      const answer = await (parent === null
        ? dialog.showOpenDialog(options)
        : dialog.showOpenDialog(parent, options))
      return answer.filePaths[0] ?? null
    },
    backup: ({ name, path, ...ref }) => actors.backup(name, addressOf(ref), path),
    export: ({ name, path, ...ref }) => actors.export(name, addressOf(ref), path),
    import: async ({ name, path, sha256, ...ref }) =>
      actors.import(name, addressOf(ref), path, sha256 ?? (await readExportDigest(path))),
  }
}

function fail(target: string, cause: unknown): never {
  throw new PaddockError('state.unwritable', `${target} could not be written.`, {
    cause,
    remedy: 'Choose a folder that can be written and has room.',
  })
}
