/** `tool.toml`, the declaration of a tool (spec tools 2): unknown keys are errors. */
import type { TomlTable } from 'smol-toml'
import type { ManifestDialect } from '../dialect.ts'
import type { ManifestDocument } from '../document.ts'
import type { ModuleManifest } from '../model.ts'
import { isInnerPath } from '../paddock-dialect.ts'
import { TableReader, type ReadContext } from '../table-reader.ts'
import { readToolTables, toolTables } from './table.ts'
import { checkedText } from './values.ts'

export const toolDialect: ManifestDialect = { id: 'tool', fileNames: ['tool.toml'], read }

const contractName = 'near:agent@0.4.1'

function read(document: ManifestDocument): ModuleManifest {
  const context: ReadContext = { document, strict: true, warnings: [], code: 'manifest.wrong_type' }
  const root = new TableReader(context, document.root, [])
  const name = checkedText(root, 'id', toolId, 'an id of lower case letters, digits and "-", at most 64')
  const version = root.string('version') ?? ''
  const file = checkedText(
    root,
    'component',
    innerPath,
    'the name of a file inside the package, without ".."',
  )
  const sha256 = root.has('sha256') ? checkedText(root, 'sha256', digest, '64 hexadecimal digits') : null
  if (root.has('wit')) checkedText(root, 'wit', supported, `"${contractName}"`)
  readToolTables(root)
  root.finish()
  return {
    source: { dialect: toolDialect.id, file: document.file },
    name,
    version,
    description: '',
    authors: [],
    component: { file, sha256, reference: null },
    capabilities: {
      policy: 'declared',
      required: [],
      optional: [],
      denied: [],
      httpAllow: [],
      identityMethods: [],
      messagingTopics: [],
    },
    limits: {},
    chains: { required: [], optional: [] },
    extraChainMethods: [],
    restart: { maxConsecutiveFailures: null },
    durability: null,
    subscriptions: [],
    config: [],
    contractTable: declarationOf(document.root),
    warnings: [],
  }
}

function declarationOf(root: TomlTable): TomlTable {
  return Object.fromEntries(Object.entries(root).filter(([key]) => toolTables.includes(key)))
}

const toolId = (text: string): string | null => (/^[a-z0-9][a-z0-9-]{0,63}$/.test(text) ? text : null)
const innerPath = (text: string): string | null => (isInnerPath(text) ? text : null)
const digest = (text: string): string | null => (/^[0-9a-fA-F]{64}$/.test(text) ? text.toLowerCase() : null)
const supported = (text: string): string | null => (text === contractName ? text : null)
