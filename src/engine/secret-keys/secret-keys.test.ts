import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openVault } from '../broker/secrets/vault.ts'
import { dataKeySource } from './data-key.ts'
import { secretFiles, type SecretFiles } from './key-file.ts'
import { keychainKey, type Keychain } from './keychain-key.ts'
import { passphraseKey } from './passphrase-key.ts'

const cost = { n: 1_024, r: 8, p: 1 }

let stateDir: string
let files: SecretFiles
let passphraseFile: string

const withPassphrase = (): Promise<Uint8Array> => passphraseKey({ files, passphraseFile, cost })

/** What a platform does, with a key that is in this process only. */
function keychain(isUsable = true): Keychain {
  const key = randomBytes(32)
  const iv = randomBytes(12)
  return {
    isUsable: () => Promise.resolve(isUsable),
    encrypt(text) {
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      return Promise.resolve(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]))
    },
    async decrypt(sealed) {
      const decipher = createDecipheriv('aes-256-gcm', key, iv)
      decipher.setAuthTag(sealed.subarray(-16))
      return await Promise.resolve(
        Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString(),
      )
    },
  }
}

beforeEach(async () => {
  stateDir = await mkdtemp(path.join(tmpdir(), 'paddock-secret-keys-'))
  files = secretFiles(stateDir)
  passphraseFile = path.join(stateDir, 'passphrase')
  await writeFile(passphraseFile, 'long enough\nand a second line')
})

afterEach(() => rm(stateDir, { recursive: true, force: true }))

describe('a key protected by a passphrase', () => {
  it('is made once, is not in its file, and comes back with the passphrase', async () => {
    const key = await withPassphrase()
    expect(key).toHaveLength(32)
    expect(await withPassphrase()).toEqual(key)
    const text = await readFile(files.key, 'utf8')
    expect(text).not.toContain(Buffer.from(key).toString('base64'))
    expect(text).not.toContain('long enough')
    expect((await stat(files.key)).mode & 0o077).toBe(0)
  })

  it('is refused with another passphrase, a short one, or none that can be read', async () => {
    await writeFile(passphraseFile, 'short')
    await expect(withPassphrase()).rejects.toMatchObject({ code: 'secret.weak_passphrase' })
    await writeFile(passphraseFile, 'long enough')
    await withPassphrase()
    await writeFile(passphraseFile, 'long enougH')
    await expect(withPassphrase()).rejects.toMatchObject({ code: 'secret.wrong_passphrase' })
    await rm(passphraseFile)
    await expect(withPassphrase()).rejects.toMatchObject({ code: 'secret.unreadable' })
  })

  it('of one state directory does not open the secrets of another, whatever the passphrase', async () => {
    const vault = await openVault({ file: files.secrets, dataKey: await withPassphrase(), now: () => 0 })
    await vault.set('a', Buffer.from('the value'))
    await vault.close()
    await rm(files.key)
    await expect(withPassphrase()).rejects.toMatchObject({ code: 'secret.key_missing' })
    const other = secretFiles(path.join(stateDir, 'other'))
    const dataKey = await passphraseKey({ files: other, passphraseFile, cost })
    await expect(openVault({ file: files.secrets, dataKey, now: () => 0 })).rejects.toMatchObject({
      code: 'secret.wrong_key',
    })
  })

  it.each([
    ['no JSON', 'x'],
    ['another version', '{"version":2}'],
    [
      'costs that take all memory',
      '{"version":1,"protection":{"kind":"passphrase","n":1073741824,"r":8,"p":1,"salt":"","sealed":""}}',
    ],
    [
      'costs that nobody computes',
      '{"version":1,"protection":{"kind":"passphrase","n":3,"r":8,"p":1,"salt":"","sealed":""}}',
    ],
  ])('a file with %s is refused and left as it is', async (_what, text) => {
    await mkdir(path.dirname(files.key))
    await writeFile(files.key, text)
    await expect(withPassphrase()).rejects.toMatchObject({ code: 'secret.key_damaged' })
    expect(await readFile(files.key, 'utf8')).toBe(text)
  })
})

describe('a key protected by the keychain', () => {
  it('is made once, is not in its file, and comes back from the same keychain only', async () => {
    const own = keychain()
    const key = await keychainKey(files, own)
    expect(key).toHaveLength(32)
    expect(await keychainKey(files, own)).toEqual(key)
    expect(await readFile(files.key, 'utf8')).not.toContain(Buffer.from(key).toString('base64'))
    await expect(keychainKey(files, keychain())).rejects.toMatchObject({
      code: 'secret.keychain_unavailable',
    })
  })

  it('is not made where the keychain protects nothing', async () => {
    await expect(keychainKey(files, keychain(false))).rejects.toMatchObject({
      code: 'secret.keychain_unavailable',
    })
    await expect(stat(files.key)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is not taken for one protected by a passphrase, nor the other way', async () => {
    await withPassphrase()
    await expect(keychainKey(files, keychain())).rejects.toMatchObject({ code: 'secret.other_protection' })
    await rm(files.key)
    await keychainKey(files, keychain())
    await expect(withPassphrase()).rejects.toMatchObject({ code: 'secret.other_protection' })
  })
})

describe('the key an engine asks for', () => {
  it('is the one of the keychain, and none where nothing protects one', async () => {
    const source = (chain: Keychain | null) =>
      dataKeySource({ stateDir, passphraseFile: undefined, keychain: chain })()
    expect(await source(null)).toHaveLength(0)
    expect(await source(keychain(false))).toHaveLength(0)
    expect(await source(keychain())).toHaveLength(32)
    expect(await source(keychain(false))).toHaveLength(0)
  })

  it('is the one of the passphrase where a file is named', async () => {
    await withPassphrase()
    const ask = dataKeySource({ stateDir, passphraseFile, keychain: keychain() })
    expect(await ask()).toEqual(await withPassphrase())
    await writeFile(passphraseFile, 'something else')
    await expect(ask()).rejects.toMatchObject({ code: 'secret.wrong_passphrase' })
  })
})
