/** What a tool declares of itself, read from its manifest whatever the dialect (spec tools 2). */
import type { ToolDeclaration, ToolExecute } from '../../../shared/contracts/tool.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { showPath } from '../../modules/manifest/document.ts'
import type { ModuleManifest } from '../../modules/manifest/model.ts'
import { TableReader, type ReadContext } from '../../modules/manifest/table-reader.ts'
import { readToolTables, toolSchema } from '../../modules/manifest/tool-dialect/table.ts'

/**
 * The declaration with all defaults filled in. A module that declares nothing has one operation of its own name and may
 * reach nothing. Throws `manifest.*` for a table that `tool.toml` would be refused for.
 */
export function readToolDeclaration(manifest: ModuleManifest): ToolDeclaration {
  const table =
    Object.keys(manifest.contractTable).length > 0
      ? manifest.contractTable
      : { schema: toolSchema, operations: [{ id: operationIdOf(manifest.name) }] }
  const reader = new TableReader(contextOf(manifest), table, ['contract'])
  const declaration = readToolTables(reader)
  reader.finish()
  return declaration
}

/** The payload of `execute`: the context is the host's alone (spec tools 8). */
export function executePayload(operationId: string, params: string): ToolExecute {
  return { params, context: JSON.stringify({ capability_id: operationId }) }
}

/** Places are lost by now; the dialect named them when it read the file. */
function contextOf({ source }: ModuleManifest): ReadContext {
  const file = source.file ?? 'the manifest'
  return {
    strict: true,
    warnings: [],
    code: 'manifest.wrong_type',
    document: {
      file,
      error: (code, path, what, details, remedy) =>
        new PaddockError(code, `${file}: ${what}`, {
          details: { file, key: showPath(path), ...details },
          ...(remedy === undefined ? {} : { remedy }),
        }),
      warning: (_path, what) => what,
      sourceOf: () => null,
    },
  }
}

function operationIdOf(name: string): string {
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 128)
  return id === '' ? 'tool' : id
}
