import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { PaddockError } from '../../../shared/errors.ts'
import { errnoOf } from '../../errno.ts'
import type { CheckFileOptions } from './model.ts'

/**
 * The settings of the user that lie under those of a flow file, `torvyn/config.toml` in the folder of configurations
 * (spec flows 2, precedence); undefined where there are none. Throws `flow.unreadable`.
 */
export async function readUserFile(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<CheckFileOptions['userFile']> {
  const folder = environment['XDG_CONFIG_HOME'] ?? path.join(environment['HOME'] ?? homedir(), '.config')
  const file = path.join(folder, 'torvyn', 'config.toml')
  try {
    return { path: file, text: await readFile(file, 'utf8') }
  } catch (cause) {
    const code = errnoOf(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new PaddockError('flow.unreadable', `The settings ${file} cannot be read.`, { cause })
  }
}
