import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  hashMessage,
  parseTransaction,
  recoverAddress,
  recoverMessageAddress,
  recoverTransactionAddress,
  stringToBytes,
  toHex,
  type Hex,
} from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callContext } from '../../../../test/support/call-context.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { until } from '../../../../test/support/until.ts'
import { moduleGrantsSchema, type ModuleGrants } from '../../../shared/domain/operator/grants.ts'
import { defaultOperator, type Operator } from '../../../shared/domain/operator/operator.ts'
import type { InstalledModule } from '../../../shared/domain/settings.ts'
import type { NewAuditEntry } from '../../audit/audit-trail.ts'
import { HostFailure, type HostCallContext } from '../capability.ts'
import type { UnsignedTransaction } from './account-signer.ts'
import { IdentityService } from './identity-service.ts'

const key: Hex = `0x${'4c'.repeat(32)}`
const account = privateKeyToAddress(key).toLowerCase() as Hex
const passphrase = 'correct horse battery'
const cost = { n: 1_024, r: 8, p: 1 }
const maxS = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

let directory: string
let clock: ManualClock
let settings: Operator['identity']
let record: InstalledModule
let audit: NewAuditEntry[]
let counted: string[]
let service: IdentityService

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paddock-identity-'))
  clock = new ManualClock()
  settings = defaultOperator.identity
  audit = []
  counted = []
  grant({ accounts: [account], approval: 'auto' })
  service = new IdentityService({
    settings: () => settings,
    records: () => [record],
    directory,
    clock,
    audit: { record: (entry) => audit.push(entry) },
    metrics: () => ({
      signature: (module, who) => counted.push(`${module} ${who}`),
      signError: (module, code) => counted.push(`${module} error ${code}`),
    }),
    onApprovals: () => undefined,
    cost,
  })
  await service.open()
})

afterEach(async () => {
  service.close()
  await rm(directory, { recursive: true, force: true })
})

function grant(grants: Partial<ModuleGrants>, granted = ['identity']): void {
  record = { ...callContext('', { granted }).record, grants: moduleGrantsSchema.parse(grants) }
}

function context(
  more: Partial<HostCallContext> = {},
  table = '[capabilities]\nrequired = ["identity"]',
): HostCallContext {
  return { ...callContext(table, record), ...more }
}

function call(name: string, args: unknown[], caller = context()): Promise<unknown> {
  return service.capability.functions[name]!(args, caller)
}

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex.slice(2), 'hex'))
const sign = (message: Uint8Array, caller?: HostCallContext) =>
  call('sign', [bytesOf(account), message], caller) as Promise<Uint8Array>

async function failureOf(work: Promise<unknown>): Promise<HostFailure['hostError']> {
  const error = await work.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(HostFailure)
  return (error as HostFailure).hostError
}

const failure = (kind: string, code = 0) => ({ domain: 'identity', kind, code, message: expect.any(String) })

async function unlocked(): Promise<void> {
  await service.import(key, passphrase)
  await service.unlock(account, passphrase)
}

const mail = JSON.stringify({
  types: { Mail: [{ name: 'contents', type: 'string' }] },
  primaryType: 'Mail',
  domain: { name: 'Ether Mail', chainId: 1 },
  message: { contents: 'Hello' },
})

const transaction: UnsignedTransaction = {
  chainId: '1',
  nonce: 7n,
  gas: 21_000n,
  to: `0x${'ab'.repeat(20)}`,
  value: 5n,
  data: '0x1234',
  fees: { type: 'eip1559', maxFeePerGas: 30n, maxPriorityFeePerGas: 2n },
}

describe('spec nexum-host 18 row 56: signing', () => {
  it('gives signatures that recover to the account, with low s and v of 27 or 28', async () => {
    await unlocked()
    for (const text of ['', 'hello', '\x19Ethereum Signed Message:\n5hello', 'é'.repeat(1_000)]) {
      const signature = await sign(stringToBytes(text))
      expect(signature).toHaveLength(65)
      expect([27, 28]).toContain(signature[64])
      expect(BigInt(toHex(signature.subarray(32, 64)))).toBeLessThanOrEqual(maxS)
      expect((await recoverMessageAddress({ message: text, signature })).toLowerCase()).toBe(account)
    }
    const message = new Uint8Array(1_048_576)
    expect(await sign(message)).toHaveLength(65)
    expect(await failureOf(sign(new Uint8Array(1_048_577)))).toEqual(failure('invalid-input'))
  })

  it('signs typed data and refuses what is not well formed', async () => {
    await unlocked()
    const signature = (await call('sign-typed-data', [bytesOf(account), mail])) as Uint8Array
    const digest = audit.at(-1)?.digest as Hex
    expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).toBe(account)
    expect(await failureOf(call('sign-typed-data', [bytesOf(account), '{']))).toEqual(
      failure('invalid-input'),
    )
    const large = mail.replace('Hello', 'x'.repeat(262_144))
    expect(await failureOf(call('sign-typed-data', [bytesOf(account), large]))).toEqual(
      failure('invalid-input'),
    )
  })

  it('answers the granted accounts in their order, and none without a grant', async () => {
    await unlocked()
    const second = await service.create(passphrase)
    grant({ accounts: [second, account], approval: 'auto' })
    expect(await call('accounts', [])).toEqual([bytesOf(second), bytesOf(account)])
    grant({ accounts: [] })
    expect(await call('accounts', [])).toEqual([])
    grant({ accounts: [account] }, [])
    expect(await call('accounts', [])).toEqual([])
  })

  it('answers unsupported 501 without any source, and an empty roster', async () => {
    expect(await call('accounts', [])).toEqual([])
    expect(await failureOf(sign(new Uint8Array(0)))).toEqual(failure('unsupported', 501))
  })

  it('answers unavailable while the account is locked, and asks nobody', async () => {
    await unlocked()
    grant({ accounts: [account], approval: 'ask' })
    service.lock(account)
    expect(await failureOf(sign(new Uint8Array(1)))).toEqual(failure('unavailable'))
    expect(service.pendingApprovals()).toEqual([])
    expect(await call('accounts', [])).toHaveLength(1)
    await service.unlock(account, passphrase)
    grant({ accounts: [account], approval: 'auto' })
    expect(await sign(new Uint8Array(1))).toHaveLength(65)
  })

  it('signs transactions that parse back to what was asked for', async () => {
    await unlocked()
    for (const fees of [transaction.fees, { type: 'legacy', gasPrice: 9n } as const]) {
      const signed = await service.signer.signTransaction(context(), account, { ...transaction, fees })
      expect(
        (await recoverTransactionAddress({ serializedTransaction: signed as `0x02${string}` })).toLowerCase(),
      ).toBe(account)
      expect(parseTransaction(signed)).toMatchObject({
        chainId: 1,
        nonce: 7,
        to: transaction.to,
        value: 5n,
        data: '0x1234',
      })
    }
  })
})

describe('spec nexum-host 18 row 27: arguments of identity', () => {
  it.each([[new Uint8Array(19)], [new Uint8Array(21)], [new Uint8Array(0)], [new Uint8Array(20)]])(
    'finds the account %# invalid',
    async (bytes) => {
      await unlocked()
      expect(await failureOf(call('sign', [bytes, new Uint8Array(1)]))).toEqual(failure('invalid-input'))
      expect(await failureOf(call('sign-typed-data', [bytes, mail]))).toEqual(failure('invalid-input'))
    },
  )

  it('refuses calls of another shape', async () => {
    await unlocked()
    for (const args of [[], [bytesOf(account)], [account, new Uint8Array(1)], [bytesOf(account), 'text']]) {
      expect(await failureOf(call('sign', args))).toEqual(failure('invalid-input'))
    }
    expect(await failureOf(call('accounts', [1]))).toEqual(failure('invalid-input'))
  })

  it('denies a method that the manifest leaves out', async () => {
    await unlocked()
    const caller = context(
      {},
      '[capabilities]\nrequired = ["identity"]\n[capabilities.identity]\nmethods = ["accounts"]',
    )
    expect(await call('accounts', [], caller)).toHaveLength(1)
    expect(await failureOf(sign(new Uint8Array(1), caller))).toEqual(failure('denied'))
    expect(await failureOf(call('sign-typed-data', [bytesOf(account), mail], caller))).toEqual(
      failure('denied'),
    )
    expect(await failureOf(service.signer.signTransaction(caller, account, transaction))).toEqual(
      failure('denied'),
    )
  })

  it('gives no account to a module whose manifest does not declare identity', async () => {
    await unlocked()
    for (const table of [
      '',
      '[capabilities]\nrequired = ["chain"]',
      '[capabilities]\ndenied = ["identity"]',
    ]) {
      expect(await call('accounts', [], context({}, table))).toEqual([])
      expect(await failureOf(sign(new Uint8Array(1), context({}, table)))).toEqual(failure('invalid-input'))
    }
  })
})

describe('approvals', () => {
  beforeEach(async () => {
    await unlocked()
    grant({ accounts: [account], approval: 'ask' })
  })

  it('show what is signed, pause the deadline, and sign once approved', async () => {
    const paused: boolean[] = []
    const caller = context({
      pauseDeadline: () => {
        paused.push(true)
        return () => paused.push(false)
      },
    })
    const signature = sign(stringToBytes('pay \u202eevil'), caller)
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    expect(paused).toEqual([true])
    const [approval] = service.pendingApprovals()
    expect(approval).toMatchObject({
      module: 'test',
      account,
      method: 'sign',
      chainId: null,
      digest: hashMessage('pay \u202eevil'),
      content: { kind: 'message', text: 'pay \\u{202e}evil', bytes: 11, isCut: false },
      expiresAt: clock.now() + 120_000,
    })
    service.answer(approval!.id, true)
    expect(await signature).toHaveLength(65)
    expect(paused).toEqual([true, false])
    expect(audit.slice(-2)).toMatchObject([
      { kind: 'approval', verdict: 'approved', digest: approval!.digest },
      {
        kind: 'signature',
        verdict: 'done',
        digest: approval!.digest,
        account,
        module: 'test',
        method: 'sign',
      },
    ])
    expect(() => service.answer(approval!.id, true)).toThrow(
      expect.objectContaining({ code: 'identity.approval_gone' }),
    )
  })

  it('show typed data by field and a transaction by its parts', async () => {
    const typed = call('sign-typed-data', [bytesOf(account), mail])
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    expect(service.pendingApprovals()[0]).toMatchObject({
      chainId: '1',
      content: {
        kind: 'typed-data',
        primaryType: 'Mail',
        fields: [{ path: 'message.contents', value: 'Hello' }],
      },
    })
    service.answer(service.pendingApprovals()[0]!.id, true)
    await typed
    const signed = service.signer.signTransaction(context(), account, transaction)
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    expect(service.pendingApprovals()[0]).toMatchObject({
      chainId: '1',
      content: {
        kind: 'transaction',
        to: transaction.to,
        valueWei: '5',
        data: '0x1234',
        dataBytes: 2,
        maxFeeWei: '630000',
      },
    })
    service.answer(service.pendingApprovals()[0]!.id, true)
    expect(parseTransaction(await signed).nonce).toBe(7)
  })

  it('are denied 4001 by a no, by silence, by the operator in advance, and when there are too many', async () => {
    const refused = failureOf(sign(new Uint8Array(1)))
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    service.answer(service.pendingApprovals()[0]!.id, false)
    expect(await refused).toEqual(failure('denied', 4001))
    const silent = failureOf(sign(new Uint8Array(1)))
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    clock.advance(119_999)
    expect(service.pendingApprovals()).toHaveLength(1)
    clock.advance(1)
    expect(await silent).toEqual(failure('denied', 4001))
    expect(audit.at(-1)).toMatchObject({ kind: 'approval', verdict: 'expired' })
    const many = Array.from({ length: 33 }, () => failureOf(sign(new Uint8Array(1))))
    await until(() => expect(service.pendingApprovals()).toHaveLength(32))
    expect(await many[32]).toEqual(failure('denied', 4001))
    service.close()
    await Promise.all(many)
    await service.unlock(account, passphrase)
    grant({ accounts: [account], approval: 'deny' })
    expect(await failureOf(sign(new Uint8Array(1)))).toEqual(failure('denied', 4001))
    expect(counted.filter((line) => line === 'test error 4001').length).toBeGreaterThan(3)
  })

  it('end with the run that asked, and do not outlive the grant', async () => {
    const controller = new AbortController()
    const ended = failureOf(sign(new Uint8Array(1), context({ signal: controller.signal })))
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    controller.abort()
    expect(await ended).toEqual(failure('denied', 4001))
    const revoked = failureOf(sign(new Uint8Array(1)))
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    grant({ accounts: [], approval: 'ask' })
    service.answer(service.pendingApprovals()[0]!.id, true)
    expect(await revoked).toEqual(failure('denied', 4001))
    grant({ accounts: [account], approval: 'ask' })
    const locked = failureOf(sign(new Uint8Array(1)))
    await until(() => expect(service.pendingApprovals()).toHaveLength(1))
    service.lock(null)
    service.answer(service.pendingApprovals()[0]!.id, true)
    expect(await locked).toEqual(failure('unavailable'))
  })
})

describe('the test key', () => {
  it('signs only where it is enabled', async () => {
    settings = { ...settings, testKey: key }
    expect(await failureOf(sign(new Uint8Array(1)))).toEqual(failure('unsupported', 501))
    expect(service.problems()).toMatchObject([{ code: 'identity.test_key_refused' }])
    expect((await service.view()).accounts).toEqual([])
    settings = { ...settings, testKeyEnabled: true }
    expect(await sign(new Uint8Array(1))).toHaveLength(65)
    expect(service.problems()).toEqual([])
    expect((await service.view()).accounts).toMatchObject([
      { address: account, source: 'test-key', locked: false, grants: [{ module: 'test', approval: 'auto' }] },
    ])
  })
})

describe('the keystore page', () => {
  it('creates, lists, unlocks, locks and removes', async () => {
    const made = await service.create(passphrase)
    const view = await service.view()
    expect(view).toMatchObject({ keystore: directory, remote: false, approvals: [], warnings: [] })
    expect(view.accounts).toMatchObject([{ address: made, source: 'keystore', locked: true, grants: [] }])
    await service.unlock(made, passphrase)
    expect((await service.view()).accounts[0]?.locked).toBe(false)
    service.lock(null)
    await expect(service.unlock(made, 'wrong one')).rejects.toMatchObject({
      code: 'identity.wrong_passphrase',
    })
    expect((await service.view()).accounts[0]?.locked).toBe(true)
    await service.remove(made)
    expect((await service.view()).accounts).toEqual([])
    expect(await readdir(path.join(directory, 'removed'))).toHaveLength(1)
    expect(audit.map(({ method, verdict }) => `${method} ${verdict}`)).toEqual([
      'create done', 'unlock done', 'lock done', 'unlock failed', 'remove done',
    ]) // prettier-ignore
    expect(JSON.stringify(audit)).not.toContain(passphrase)
  })

  it('has no way to give a key out', () => {
    const names = Object.getOwnPropertyNames(IdentityService.prototype).join(' ')
    expect(names).not.toMatch(/export|privateKey|reveal/i)
  })
})
