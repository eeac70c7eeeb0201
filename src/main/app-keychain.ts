/** Electron's `safeStorage` as the keychain that protects the key of the secrets. */
import { safeStorage } from 'electron'
import type { Keychain } from '../engine/secret-keys/keychain-key.ts'

/** What Electron 25 has not: it knows the calls that wait for the keychain only. */
type Known = Pick<typeof safeStorage, 'isEncryptionAvailable' | 'encryptString' | 'decryptString'> &
  Partial<typeof safeStorage>

const storage: Known = safeStorage

/** Not to be asked before the app is ready. */
export const appKeychain: Keychain = {
  async isUsable() {
    // On Linux without a secret service Chromium encrypts with a password that everybody knows.
    if (process.platform === 'linux' && storage.getSelectedStorageBackend?.() === 'basic_text') return false
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- all that Electron 25 has
    return (await storage.isAsyncEncryptionAvailable?.()) ?? storage.isEncryptionAvailable()
  },
  async encrypt(text) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- all that Electron 25 has
    return (await storage.encryptStringAsync?.(text)) ?? storage.encryptString(text)
  },
  async decrypt(sealed) {
    const bytes = Buffer.from(sealed)
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- all that Electron 25 has
    return (await storage.decryptStringAsync?.(bytes))?.result ?? storage.decryptString(bytes)
  },
}
