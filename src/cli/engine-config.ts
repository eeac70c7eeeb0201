import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { emptyEngineConfig, parseEngineConfig, type EngineConfig } from '../engine/config/engine-config.ts'
import { errnoOf } from '../engine/errno.ts'
import { parseLogThresholds } from '../shared/domain/operator/log-levels.ts'
import { PaddockError } from '../shared/errors.ts'

/** Found in the working directory when no file is named (spec nexum-host 5.1). */
const usualFile = 'engine.toml'
/** Where state is kept when a file does not say (spec nexum-host 5.3). */
const usualStateDir = 'data'

/** Said when nothing configures any chain. */
export const noFileWarning = `There is no ${usualFile} here: no chains are configured and defaults hold.`

export interface FoundConfig extends EngineConfig {
  /** The file read; null when there was none. */
  readonly file: string | null
  readonly warnings: readonly string[]
}

/**
 * Reads the file named, else `engine.toml` of the working directory, else answers the defaults.
 * Paths in it are relative to it. Throws `settings.*`.
 */
export async function readEngineConfig(
  file: string | undefined,
  variables: Readonly<Record<string, string | undefined>> = process.env,
): Promise<FoundConfig> {
  const found = path.resolve(file ?? usualFile)
  const text = await readText(found, file !== undefined)
  if (text === null) {
    return withLogOverride({ ...emptyEngineConfig, file: null, warnings: [] }, variables)
  }
  const config = parseEngineConfig(text, file ?? usualFile, variables)
  const folder = path.dirname(found)
  const absolute = (inner: string): string => path.resolve(folder, inner)
  const { operator } = config
  return withLogOverride(
    {
      file: found,
      warnings: [],
      stateDir: absolute(config.stateDir ?? usualStateDir),
      chains: config.chains,
      operator: {
        ...operator,
        identity: {
          ...operator.identity,
          keystore: operator.identity.keystore === null ? null : absolute(operator.identity.keystore),
        },
        content: {
          sources: operator.content.sources.map((source) =>
            source.kind === 'folder' ? { ...source, path: absolute(source.path) } : source,
          ),
        },
      },
      modules: config.modules.map((module) => ({
        ...module,
        path: isRemote(module.path) ? module.path : absolute(module.path),
        manifest: module.manifest === null ? null : absolute(module.manifest),
      })),
    },
    variables,
  )
}

/** Whether a bundle is fetched rather than opened. */
export function isRemote(bundle: string): boolean {
  return /^https:\/\//i.test(bundle)
}

async function readText(file: string, isNamed: boolean): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (!isNamed && errnoOf(cause) === 'ENOENT') return null
    throw new PaddockError('settings.invalid', `${file} could not be read.`, {
      cause,
      remedy: isNamed ? 'Check the path given to --config.' : 'Make the file readable.',
    })
  }
}

/** `RUST_LOG` overrides the level of the file (spec nexum-host 5.3). */
function withLogOverride(
  config: FoundConfig,
  variables: Readonly<Record<string, string | undefined>>,
): FoundConfig {
  const logLevel = variables['RUST_LOG']
  if (logLevel === undefined || logLevel === '') return config
  if (parseLogThresholds(logLevel) === null) {
    const warning = 'RUST_LOG is neither a level nor level,scope=level,… and was ignored.'
    return { ...config, warnings: [...config.warnings, warning] }
  }
  const { operator } = config
  return { ...config, operator: { ...operator, engine: { ...operator.engine, logLevel } } }
}
