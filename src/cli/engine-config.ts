import { readFile } from 'node:fs/promises'
import { parseEngineConfig, type EngineConfig } from '../engine/config/engine-config.ts'
import { PaddockError } from '../shared/errors.ts'

/** Reads the file named, or answers an empty configuration. Throws `settings.invalid`. */
export async function readEngineConfig(file: string | undefined): Promise<EngineConfig> {
  if (file === undefined) return { stateDir: null, chains: [] }
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new PaddockError('settings.invalid', `${file} could not be read.`, {
      cause,
      remedy: 'Check the path given to --config.',
    })
  }
  return parseEngineConfig(text, file)
}
