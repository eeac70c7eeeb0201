/** `engine.toml`, the operator's file: read into the same model as the console's settings (spec nexum-host 5). */
import type { TomlTable, TomlValue } from 'smol-toml'
import type { ChainConfig } from '../../shared/domain/chain.ts'
import { operatorSchema, type Operator } from '../../shared/domain/operator/operator.ts'
import type { PaddockError } from '../../shared/errors.ts'
import { isTable } from '../modules/manifest/document.ts'
import { resolveAliases } from './aliases.ts'
import { readChains } from './chains.ts'
import { ConfigDocument } from './config-document.ts'
import { readModules, type ConfiguredModule } from './configured-modules.ts'
import { operatorSpec } from './key-specs.ts'
import { checked, readTable, unknownKey, type ReadContext } from './read-table.ts'
import { substituteVariables } from './substitute.ts'

export interface EngineConfig {
  /** As written; null where it is not. */
  readonly stateDir: string | null
  readonly operator: Operator
  readonly chains: readonly ChainConfig[]
  readonly modules: readonly ConfiguredModule[]
}

/** What holds without a file. */
export const emptyEngineConfig: EngineConfig = {
  stateDir: null,
  operator: operatorSchema.parse({}),
  chains: [],
  modules: [],
}

/**
 * Reads the text of an engine.toml, variables substituted. Throws `settings.env_*`, `settings.unknown_key` and
 * `settings.invalid`, naming file, line and key.
 */
export function parseEngineConfig(
  text: string,
  file: string,
  variables: Readonly<Record<string, string | undefined>> = {},
): EngineConfig {
  const document = new ConfigDocument(file, substituteVariables(text, file, variables))
  const { tree, origin } = resolveAliases(document)
  const context: ReadContext = { document, origin }
  const { engine, chains, modules, ...sections } = tree
  const unknown = Object.keys(sections).find((name) => !Object.hasOwn(operatorSpec, name))
  if (unknown !== undefined) {
    throw unknownKey(context, [unknown], [...Object.keys(operatorSpec), 'chains', 'modules'])
  }
  const { stateDir, rest } = takeStateDir(context, engine)
  const input = readTable(context, { ...rest, ...sections }, operatorSpec, [])
  const listed = readModules(context, modules)
  const operator = checked(context, operatorSchema, input, operatorSpec, [])
  refuseUnusable(context, operator)
  return {
    stateDir,
    operator: { ...operator, discovery: { ...operator.discovery, sources: [...listed.sources] } },
    chains: readChains(context, chains),
    modules: listed.modules,
  }
}

function takeStateDir(
  context: ReadContext,
  engine: TomlValue | undefined,
): { stateDir: string | null; rest: TomlTable } {
  if (engine === undefined) return { stateDir: null, rest: {} }
  if (!isTable(engine)) return { stateDir: null, rest: { engine } }
  const { state_dir: stateDir, ...others } = engine
  if (stateDir === undefined) return { stateDir: null, rest: { engine: others } }
  if (typeof stateDir !== 'string' || stateDir === '') {
    throw context.document.error(['engine', 'state_dir'], 'engine.state_dir must be a path.')
  }
  return { stateDir, rest: { engine: others } }
}

/** What is well-formed and yet cannot be meant. */
function refuseUnusable({ document }: ReadContext, { identity, remoteStore, messaging }: Operator): void {
  const refuse = (path: readonly string[], what: string): PaddockError => document.error(path, what)
  if (identity.testKey !== null && !identity.testKeyEnabled) {
    throw refuse(
      ['identity', 'test_key'],
      'identity.test_key is for tests; it needs identity.test_key_enabled = true.',
    )
  }
  if (remoteStore.mode === 'bee' && remoteStore.api === null) {
    throw refuse(['remote_store', 'mode'], 'remote_store.mode "bee" needs remote_store.api.')
  }
  if (messaging.mode === 'waku' && messaging.node === null) {
    throw refuse(['messaging', 'mode'], 'messaging.mode "waku" needs messaging.node.')
  }
}
