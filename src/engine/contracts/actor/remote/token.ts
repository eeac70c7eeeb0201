/** The token between two engines, kept in a file so that it stands in no settings and no list of processes. */
import { readFile } from 'node:fs/promises'
import { PaddockError } from '../../../../shared/errors.ts'
import { isAccessToken } from '../../../access-token.ts'

/** Reads it, without blanks around. Throws `wasm.invalid_config`. */
export async function readToken(file: string): Promise<string> {
  let text: string
  try {
    text = (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw fault(file, 'cannot be read', cause)
  }
  if (!isAccessToken(text)) throw fault(file, 'holds no token of 16 to 512 characters without blanks')
  return text
}

function fault(file: string, reason: string, cause?: unknown): PaddockError {
  return new PaddockError('wasm.invalid_config', `The token file ${file} ${reason}.`, {
    cause,
    details: { field: 'tokenFile', reason },
    remedy: 'Name a file with the token of the other engine.',
  })
}
