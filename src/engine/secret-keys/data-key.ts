/** Which key an engine's secrets are sealed with. */
import { PaddockError } from '../../shared/errors.ts'
import { secretFiles } from './key-file.ts'
import { keychainKey, type Keychain } from './keychain-key.ts'
import { passphraseKey } from './passphrase-key.ts'

/** Environment variable that names the file with the passphrase, for the command and the app alike. */
export const passphraseFileVariable = 'PADDOCK_SECRETS_PASSPHRASE_FILE'

export interface DataKeyOptions {
  readonly stateDir: string
  /** Wins over the keychain. */
  readonly passphraseFile: string | undefined
  readonly keychain: Keychain | null
}

/**
 * Asks for the key each time it is needed: 32 bytes, which the caller overwrites, or none where nothing can protect one.
 * Tools that use no secrets run without. Rejects with `secret.*`.
 */
export function dataKeySource(options: DataKeyOptions): () => Promise<Uint8Array> {
  const { stateDir, passphraseFile, keychain } = options
  const files = secretFiles(stateDir)
  return async () => {
    if (passphraseFile !== undefined) return await passphraseKey({ files, passphraseFile })
    if (keychain === null) return new Uint8Array(0)
    try {
      return await keychainKey(files, keychain)
    } catch (error) {
      if (error instanceof PaddockError && error.code === 'secret.keychain_unavailable')
        return new Uint8Array(0)
      throw error
    }
  }
}
