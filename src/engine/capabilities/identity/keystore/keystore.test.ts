import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Keystore } from './keystore.ts'
import { decryptKey, encryptKey, parseSecretFile } from './secret-file.ts'

/** The test vectors of the Web3 Secret Storage definition; RFC 7914 allows no n as large as the second's for its r. */
const vectors = {
  pbkdf2:
    '{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}',
  scrypt:
    '{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"p":8,"r":1,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}',
}
const vectorKey = '7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'
const vectorAddress = '0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b'
const passphrase = 'long enough'
const cost = { n: 1_024, r: 8, p: 1 }

let directory: string
let keystore: Keystore

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paddock-keys-'))
  keystore = new Keystore({ directory, now: () => 1_700_000_000_000, cost })
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('key files', () => {
  it('of the definition open', async () => {
    const file = parseSecretFile(vectors.pbkdf2)
    expect(Buffer.from(await decryptKey(file, 'testpassword')).toString('hex')).toBe(vectorKey)
    await expect(decryptKey(file, 'testpasswore')).rejects.toMatchObject({
      code: 'identity.wrong_passphrase',
    })
  })

  it('of ours open again, and are not the key', async () => {
    const key = new Uint8Array(Buffer.from(vectorKey, 'hex'))
    const file = await encryptKey(key, passphrase, cost)
    const text = JSON.stringify(file)
    expect(text).not.toContain(vectorKey)
    expect(text).not.toContain(passphrase)
    expect(Buffer.from(await decryptKey(parseSecretFile(text), passphrase)).toString('hex')).toBe(vectorKey)
    const other = await encryptKey(key, passphrase, cost)
    expect(other.crypto.ciphertext).not.toBe(file.crypto.ciphertext)
  })

  it.each([
    ['an n that is too large for r', vectors.scrypt],
    ['no JSON', 'x'],
    ['a list', '[]'],
    ['another version', vectors.scrypt.replace('"version":3', '"version":1')],
    ['another cipher', vectors.scrypt.replace('aes-128-ctr', 'aes-128-cbc')],
    ['another derivation', vectors.scrypt.replace('"kdf":"scrypt"', '"kdf":"argon2"')],
    ['an n that is no power of two', vectors.scrypt.replace('262144', '262143')],
    [
      'an n that takes all memory',
      vectors.scrypt.replace('"n":262144,"p":8,"r":1', '"n":16777216,"p":1,"r":64'),
    ],
    ['rounds without end', vectors.pbkdf2.replace('262144', '1000000000')],
    ['a short key', vectors.scrypt.replace('"dklen":32', '"dklen":16')],
    ['a short ciphertext', vectors.scrypt.replace('d172bf743a67', 'd172')],
  ])('with %s are refused', (_what, text) => {
    expect(() => parseSecretFile(text)).toThrow(expect.objectContaining({ code: 'identity.bad_key_file' }))
  })

  it('that name another address than their key has are refused', async () => {
    const file = await encryptKey(new Uint8Array(Buffer.from(vectorKey, 'hex')), passphrase, cost)
    await expect(decryptKey({ ...file, address: '11'.repeat(20) }, passphrase)).rejects.toMatchObject({
      code: 'identity.bad_key_file',
    })
  })
})

describe('the keystore', () => {
  it('creates keys that differ, in files that nobody else reads', async () => {
    const first = await keystore.create(passphrase)
    const second = await keystore.create(passphrase)
    expect(first).not.toBe(second)
    expect(keystore.accounts().map(({ address }) => address)).toEqual([first, second].sort())
    const names = await readdir(directory)
    expect(names).toHaveLength(2)
    for (const name of names) {
      expect((await stat(path.join(directory, name))).mode & 0o077).toBe(0)
      expect(name).toMatch(/^UTC--.*--[0-9a-f]{40}$/)
    }
  })

  it('imports a private key, and a file with its own passphrase', async () => {
    expect(await keystore.import(` 0x${vectorKey}\n`, passphrase)).toBe(vectorAddress)
    await expect(keystore.import(vectorKey, passphrase)).rejects.toMatchObject({
      code: 'identity.duplicate_account',
    })
    await keystore.unlock(vectorAddress, passphrase)
    expect(Buffer.from(keystore.key(vectorAddress)!).toString('hex')).toBe(vectorKey)
    await keystore.remove(vectorAddress)
    expect(keystore.key(vectorAddress)).toBeUndefined()
    const file = JSON.stringify(
      await encryptKey(new Uint8Array(Buffer.from(vectorKey, 'hex')), 'short', cost),
    )
    await expect(keystore.import(file, 'wrong')).rejects.toMatchObject({ code: 'identity.wrong_passphrase' })
    expect(await keystore.import(file, 'short')).toBe(vectorAddress)
    await keystore.unlock(vectorAddress, 'short')
  })

  it.each(['', 'xyz', '0x12', '00'.repeat(32), 'ff'.repeat(32)])(
    'refuses the key %j and does not repeat it',
    async (secret) => {
      const error = await keystore.import(secret, passphrase).then(
        () => expect.fail('it did not fail'),
        (thrown: unknown) => thrown as Error,
      )
      expect(error).toMatchObject({ code: 'identity.bad_key' })
      if (secret !== '') expect(error.message).not.toContain(secret)
    },
  )

  it('refuses short passphrases for what it encrypts', async () => {
    await expect(keystore.create('short')).rejects.toMatchObject({ code: 'identity.weak_passphrase' })
    await expect(keystore.import(vectorKey, 'short')).rejects.toMatchObject({
      code: 'identity.weak_passphrase',
    })
    expect(await readdir(directory)).toEqual([])
  })

  it('zeroes what it forgets', async () => {
    await keystore.import(vectorKey, passphrase)
    await keystore.unlock(vectorAddress, passphrase)
    const key = keystore.key(vectorAddress)!
    keystore.lock()
    expect([...key].every((byte) => byte === 0)).toBe(true)
    expect(keystore.accounts()).toMatchObject([{ isLocked: true }])
  })

  it('leaves other files out, and tells a folder that cannot be read', async () => {
    await writeFile(path.join(directory, 'notes.txt'), 'no key')
    await writeFile(path.join(directory, 'key.json'), vectors.pbkdf2)
    await keystore.create(passphrase)
    expect(keystore.accounts()).toHaveLength(1)
    await writeFile(path.join(directory, 'file'), '')
    const wrong = new Keystore({ directory: path.join(directory, 'file'), now: () => 0 })
    await expect(wrong.refresh()).rejects.toMatchObject({ code: 'identity.keystore_unusable' })
    const none = new Keystore({ directory: path.join(directory, 'none'), now: () => 0 })
    await none.refresh()
    expect(none.accounts()).toEqual([])
  })

  it('keeps what others wrote: a file is never replaced', async () => {
    const address = await keystore.create(passphrase)
    const [name] = await readdir(directory)
    const before = await readFile(path.join(directory, name!), 'utf8')
    await keystore.create(passphrase)
    expect(await readFile(path.join(directory, name!), 'utf8')).toBe(before)
    await keystore.unlock(address, passphrase)
  })

  it('forgets nothing for a file it cannot look at', async () => {
    const address = await keystore.create(passphrase)
    await keystore.unlock(address, passphrase)
    await symlink(path.join(directory, 'nowhere'), path.join(directory, 'A link to nowhere'))
    await keystore.refresh()
    expect(keystore.accounts()).toMatchObject([{ address, isLocked: false }])
  })

  it('stays locked when it is locked, or the account removed, while the key is being derived', async () => {
    const address = await keystore.create(passphrase)
    const unlocking = keystore.unlock(address, passphrase)
    keystore.lock()
    await unlocking
    expect(keystore.key(address)).toBeUndefined()
    const again = keystore.unlock(address, passphrase)
    const other = await keystore.create(passphrase)
    keystore.lock(other)
    await again
    expect(keystore.key(address)).toBeDefined()
    keystore.lock()
    const last = keystore.unlock(address, passphrase).catch(() => undefined)
    await keystore.remove(address)
    await last
    expect(keystore.key(address)).toBeUndefined()
  })

  it('does not take the key of one account for that of another whose file was changed', async () => {
    const address = await keystore.create(passphrase)
    const other = await encryptKey(new Uint8Array(Buffer.from(vectorKey, 'hex')), passphrase, cost)
    const [name] = await readdir(directory)
    await writeFile(path.join(directory, name!), JSON.stringify(other))
    await expect(keystore.unlock(address, passphrase)).rejects.toMatchObject({
      code: 'identity.bad_key_file',
    })
    expect(keystore.key(address)).toBeUndefined()
  })

  it('keeps the newer of two looks into the folder', async () => {
    const earlier = keystore.refresh()
    const address = await keystore.create(passphrase)
    await earlier
    expect(keystore.has(address)).toBe(true)
  })
})
