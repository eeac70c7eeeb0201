import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CredentialRule } from '../../../shared/contracts/tool.ts'
import type { SecretVault } from './types.ts'
import { damagedNotice } from './secrets-file.ts'
import { openVault } from './vault.ts'

const dataKey = randomBytes(32)
const value = 's3cr3t-V4lue'

let folder: string
let file: string
let time: number
let vaults: SecretVault[]

async function open(key: Uint8Array = dataKey): Promise<SecretVault> {
  const vault = await openVault({ file, dataKey: key, now: () => time })
  vaults.push(vault)
  return vault
}

function rule(secret: string, required = true): CredentialRule {
  return { secret, inject: { type: 'bearer' }, hosts: ['a.example'], pathPrefixes: [], required }
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'paddock-vault-'))
  file = path.join(folder, 'secrets', 'secrets.json')
  time = 1_700_000_000_000
  vaults = []
})

afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(vaults.map((vault) => vault.close()))
  await rm(folder, { recursive: true, force: true })
})

describe('the store of secrets', () => {
  it('keeps values over a restart, and lists names and times only', async () => {
    const vault = await open()
    await vault.set('b', Buffer.from('second value'))
    time += 1_000
    await vault.set('a', Buffer.from(value))
    await vault.close()
    const again = await open()
    expect(await again.list()).toEqual([
      { name: 'a', createdAt: time, updatedAt: time, lastUsedAt: null, grants: [] },
      { name: 'b', createdAt: time - 1_000, updatedAt: time - 1_000, lastUsedAt: null, grants: [] },
    ])
    const lease = await again.lease([rule('a'), rule('b')])
    expect(lease.exact().map((each) => Buffer.from(each.value).toString())).toEqual([value, 'second value'])
    expect((await stat(file)).mode & 0o077).toBe(0)
  })

  it('replaces and removes', async () => {
    const vault = await open()
    await vault.set('a', Buffer.from(value))
    time += 5
    await vault.set('a', Buffer.from('another value'))
    expect(await vault.list()).toMatchObject([{ name: 'a', createdAt: time - 5, updatedAt: time }])
    expect(Buffer.from((await vault.lease([rule('a')])).exact()[0]!.value).toString()).toBe('another value')
    await vault.remove('a')
    expect(vault.has('a')).toBe(false)
    expect(await vault.list()).toEqual([])
    await expect(vault.remove('a')).rejects.toMatchObject({ code: 'secret.unknown' })
  })

  it.each([
    ['5 bytes', 'a', Buffer.from('12345'), 'secret.bad_value'],
    ['nothing', 'a', Buffer.alloc(0), 'secret.bad_value'],
    ['zeros only', 'a', Buffer.alloc(10), 'secret.bad_value'],
    ['more than 64 KiB', 'a', Buffer.alloc(65_537, 'a'), 'secret.bad_value'],
    ['a bad name', 'a b', Buffer.from(value), 'secret.bad_name'],
    ['no name', '', Buffer.from(value), 'secret.bad_name'],
  ])('refuses %s, and overwrites what was given all the same', async (_what, name, bytes, code) => {
    const vault = await open()
    await expect(vault.set(name, bytes)).rejects.toMatchObject({ code })
    expect(bytes.every((byte) => byte === 0)).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })

  it('overwrites what was given', async () => {
    const bytes = Buffer.from(value)
    await (await open()).set('a', bytes)
    expect(bytes.every((byte) => byte === 0)).toBe(true)
  })

  it('many changes at once all hold', async () => {
    const vault = await open()
    const names = Array.from({ length: 30 }, (_, index) => `name${index}`)
    await Promise.all(names.map((name) => vault.set(name, Buffer.from(`value of ${name}`))))
    await Promise.all(names.slice(10).map((name) => vault.remove(name)))
    await vault.close()
    expect((await (await open()).list()).map(({ name }) => name)).toEqual(names.slice(0, 10).sort())
  })

  it('what cannot be written is not there either', async () => {
    await writeFile(path.join(folder, 'secrets'), 'a file where the folder should be')
    const vault = await open().catch((error: unknown) => error)
    // Not even the look at the file succeeds there.
    expect(vault).toMatchObject({ code: 'secret.unreadable' })
    file = path.join(folder, 'other', 'secrets.json')
    const other = await open()
    await writeFile(path.join(folder, 'other'), '')
    await expect(other.set('a', Buffer.from(value))).rejects.toMatchObject({ code: 'secret.unwritable' })
    expect(other.has('a')).toBe(false)
  })

  it.each(['', 'no json', '{}', '[]', '{"version":1,"id":"x","check":"","secrets":[]}'])(
    'a damaged file is kept aside and told of until it is gone; the store begins empty: %j',
    async (text) => {
      await (await open()).set('a', Buffer.from(value))
      await writeFile(file, text)
      expect(await damagedNotice(file)).toBeNull()
      const vault = await open()
      const aside = `secrets.json.damaged-${time}`
      expect(await readdir(path.dirname(file))).toEqual([aside])
      expect(await readFile(path.join(path.dirname(file), aside), 'utf8')).toBe(text)
      expect(await vault.list()).toEqual([])
      await vault.set('b', Buffer.from(value))
      const told = { code: 'secret.store_damaged', message: expect.stringContaining(aside) as string }
      expect(await damagedNotice(file)).toMatchObject(told)
      await rm(path.join(path.dirname(file), aside))
      expect(await damagedNotice(file)).toBeNull()
      expect(await (await open()).list()).toMatchObject([{ name: 'b' }])
    },
  )

  it('another key and a newer version leave the file as it is', async () => {
    await (await open()).set('a', Buffer.from(value))
    const before = await readFile(file, 'utf8')
    await expect(open(randomBytes(32))).rejects.toMatchObject({ code: 'secret.wrong_key' })
    expect(await readFile(file, 'utf8')).toBe(before)
    await writeFile(file, before.replace('"version": 1', '"version": 2'))
    await expect(open()).rejects.toMatchObject({ code: 'secret.store_newer' })
    expect(await readdir(path.dirname(file))).toEqual(['secrets.json'])
  })

  it('without a key secrets are listed, and none can be set, removed or used', async () => {
    await (await open()).set('a', Buffer.from(value))
    const locked = await open(new Uint8Array(0))
    expect(await locked.list()).toMatchObject([{ name: 'a' }])
    expect(locked.has('a')).toBe(false)
    await expect(locked.set('b', Buffer.from(value))).rejects.toMatchObject({ code: 'secret.no_key' })
    await expect(locked.remove('a')).rejects.toMatchObject({ code: 'secret.no_key' })
    expect((await locked.lease([rule('a')])).stage([rule('a')])).toEqual({ ok: false, missing: ['a'] })
  })

  it('values cannot be swapped, nor bytes of them changed: the others stay usable', async () => {
    const vault = await open()
    for (const name of ['a', 'b', 'c']) await vault.set(name, Buffer.from(`the value of ${name}`))
    const content = JSON.parse(await readFile(file, 'utf8')) as { secrets: { value: string }[] }
    const [first, second] = content.secrets
    ;[first!.value, second!.value] = [second!.value, first!.value]
    await writeFile(file, JSON.stringify(content))
    const swapped = await open()
    expect(['a', 'b', 'c'].map((name) => swapped.has(name))).toEqual([false, false, true])
    const lease = await swapped.lease([rule('a'), rule('c')])
    expect(lease.stage([rule('a'), rule('c')])).toEqual({ ok: false, missing: ['a'] })
  })

  it('any value comes back as it was', async () => {
    const bytes = fc
      .uint8Array({ minLength: 6, maxLength: 300 })
      .filter((each) => each.some((byte) => byte > 0))
    const vault = await open()
    await fc.assert(
      fc.asyncProperty(bytes, async (each) => {
        await vault.set('a', new Uint8Array(each))
        const lease = await vault.lease([rule('a')])
        expect(Buffer.from(lease.exact()[0]!.value).equals(each)).toBe(true)
        lease.end()
      }),
      { numRuns: 30 },
    )
  })
})

describe('leases', () => {
  it('spec tools 14 row all-or-nothing staging: the second of two required is missing, nothing is staged', async () => {
    const vault = await open()
    await vault.set('a', Buffer.from(value))
    const lease = await vault.lease([rule('a'), rule('b')])
    expect(lease.stage([rule('a'), rule('b')])).toEqual({ ok: false, missing: ['b'] })
    expect(await vault.list()).toMatchObject([{ name: 'a', lastUsedAt: null }])
  })

  it('an optional one that is missing is left out; use is noted and written at the end', async () => {
    const vault = await open()
    await vault.set('a', Buffer.from(value))
    time += 60_000
    const lease = await vault.lease([rule('a'), rule('b', false)])
    const staging = lease.stage([rule('a'), rule('b', false)])
    expect(staging).toMatchObject({ ok: true, staged: [{ rule: { secret: 'a' } }] })
    expect(await vault.list()).toMatchObject([{ lastUsedAt: time }])
    await vault.close()
    expect(await (await open()).list()).toMatchObject([{ lastUsedAt: time }])
  })

  it('values are on shared memory, and overwritten when the lease ends or the store closes', async () => {
    const vault = await open()
    await vault.set('a', Buffer.from(value))
    const first = await vault.lease([rule('a')])
    const second = await vault.lease([rule('a')])
    const values = [first, second].map((lease) => lease.exact()[0]!.value)
    for (const each of values) expect(each.buffer).toBeInstanceOf(SharedArrayBuffer)
    first.end()
    first.end()
    expect(values[0]!.every((byte) => byte === 0)).toBe(true)
    expect(first.exact()).toEqual([])
    expect(first.stage([rule('a')])).toEqual({ ok: false, missing: ['a'] })
    expect(Buffer.from(values[1]!).toString()).toBe(value)
    await vault.close()
    expect(values[1]!.every((byte) => byte === 0)).toBe(true)
  })

  it('are dropped after 300 s', async () => {
    const vault = await open()
    await vault.set('a', Buffer.from(value))
    vi.useFakeTimers()
    const lease = await vault.lease([rule('a')])
    const leased = lease.exact()[0]!.value
    vi.advanceTimersByTime(299_999)
    expect(Buffer.from(leased).toString()).toBe(value)
    vi.advanceTimersByTime(1)
    expect(leased.every((byte) => byte === 0)).toBe(true)
    expect(lease.stage([rule('a')])).toEqual({ ok: false, missing: ['a'] })
  })

  it('spec tools 14 row secret-exists: probes answer the same however often, and use nothing up', async () => {
    const vault = await open()
    await vault.set('a', Buffer.from(value))
    for (let probe = 0; probe < 100; probe++) {
      expect([vault.has('a'), vault.has('b'), vault.has(''), vault.has('__proto__')]).toEqual([
        true,
        false,
        false,
        false,
      ])
    }
    expect(await vault.list()).toMatchObject([{ lastUsedAt: null }])
    expect((await vault.lease([rule('a')])).stage([rule('a')])).toMatchObject({ ok: true })
  })
})

describe('a canary', () => {
  it('that was set and used is in no file and no error, in no form', async () => {
    const canary = `canary-${randomBytes(12).toString('hex')}`
    const errors: unknown[] = []
    const vault = await open()
    await vault.set('a', Buffer.from(canary))
    const lease = await vault.lease([rule('a'), rule('b')])
    lease.stage([rule('a')])
    lease.stage([rule('a'), rule('b')])
    errors.push(await vault.set(canary.repeat(10), Buffer.from(canary)).catch((error: unknown) => error))
    errors.push(await vault.set('c', Buffer.from(canary.slice(0, 5))).catch((error: unknown) => error))
    errors.push(await vault.remove(canary).catch((error: unknown) => error))
    await vault.close()
    errors.push(await vault.set('d', Buffer.from(canary)).catch((error: unknown) => error))
    await writeFile(file, `${await readFile(file, 'utf8')}broken`)
    await open()
    errors.push(await damagedNotice(file))
    const forms = [
      canary,
      Buffer.from(canary).toString('hex'),
      ...[0, 1, 2].map((shift) =>
        Buffer.from(`${'x'.repeat(shift)}${canary}`)
          .toString('base64')
          .slice(4, -4),
      ),
    ]
    for (const name of await readdir(folder, { recursive: true })) {
      const about = await stat(path.join(folder, name))
      if (!about.isFile()) continue
      const text = await readFile(path.join(folder, name), 'latin1')
      for (const form of forms) expect(text.includes(form)).toBe(false)
    }
    expect(errors).toHaveLength(5)
    for (const error of errors) {
      expect(error).toBeInstanceOf(Error)
      const { message, stack, cause } = error as Error
      for (const form of forms)
        expect(`${message}${stack}${JSON.stringify(cause)}`.includes(form)).toBe(false)
    }
  })
})
