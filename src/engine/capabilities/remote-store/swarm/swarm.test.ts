import { makeChunkedFile } from '@fairdatasociety/bmt-js'
import { bytesToHex, keccak256, recoverMessageAddress, toBytes, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { chunkPayloadBytes, makeChunk } from './chunk.ts'
import {
  feedData,
  feedIdentifier,
  feedSigner,
  isSignedByOwner,
  ownedAddress,
  parseOwnedChunk,
  wrappedChunk,
} from './feed.ts'
import { swarmAddress } from './tree.ts'

const hex = (bytes: Uint8Array): string => bytesToHex(bytes).slice(2)

function filled(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
}

describe('swarm addresses', () => {
  it.each([
    [new Uint8Array(), 'b34ca8c22b9e982354f9c7f50b470d66db428d880c8a904d5fe4ec9713171526'],
    [toBytes('foo'), '2387e8e7d8a48c2a9339c97c1dc3461a9a7aa07e994c5cb8b38fd7c1b3e6ea48'],
    [toBytes('hello world'), '92672a471f4419b255d7cb0cf313474a6f5856fb347c5ece85fb706d644b630f'],
    [new Uint8Array(5000), '5a941fd4ec33e6b24f9a5dc6d84bbf9a684ad5297087c61169fb336e6eb16a8c'],
  ])('spec nexum-host 18 row 54: check value %#', (content, address) => {
    expect(hex(swarmAddress(content))).toBe(address)
  })

  // Every way a level can end: a full chunk, one over, a lone chunk that moves up once and twice.
  it.each([1, 31, 32, 33, 64, 4095, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 129 * 4096 + 7, 257 * 4096])(
    'agrees with another implementation for %i bytes',
    (length) => {
      const content = filled(length)
      expect(hex(swarmAddress(content))).toBe(hex(makeChunkedFile(content).address()))
    },
    30_000,
  )

  it('shows every chunk once, children first', () => {
    const chunks: Uint8Array[] = []
    const content = filled(130 * 4096)
    const root = swarmAddress(content, (chunk) => chunks.push(chunk.address))
    expect(chunks).toHaveLength(130 + 3)
    expect(chunks.at(-1)).toEqual(root)
    expect(new Set(chunks.map(hex)).size).toBeLessThanOrEqual(chunks.length)
  })

  it('refuses a chunk of more than 4096 bytes', () => {
    expect(() => makeChunk(new Uint8Array(chunkPayloadBytes + 1))).toThrow(RangeError)
  })
})

describe('feeds', () => {
  const key: Hex = `0x${'11'.repeat(32)}`
  const topic = Uint8Array.from(Buffer.from('22'.repeat(32), 'hex'))

  it('signs what a Swarm node recovers the owner from', async () => {
    const signer = feedSigner(key)
    const update = await signer.sign(topic, 3n, toBytes('news'), 1_700_000_000)
    const identifier = keccak256(Buffer.concat([topic, Buffer.from('0000000000000003', 'hex')]))
    expect(bytesToHex(update.identifier)).toBe(identifier)
    const wrapped = makeChunkedFile(update.payload).address()
    const digest = keccak256(Buffer.concat([Buffer.from(identifier.slice(2), 'hex'), wrapped]))
    const signer20 = await recoverMessageAddress({
      message: { raw: digest },
      signature: bytesToHex(update.signature),
    })
    expect(signer20).toBe(privateKeyToAccount(key).address)
    expect(bytesToHex(ownedAddress(update.identifier, update.owner))).toBe(
      keccak256(Buffer.concat([update.identifier, update.owner])),
    )
    expect(hex(update.payload.subarray(0, 8))).toBe(1_700_000_000n.toString(16).padStart(16, '0'))
  })

  it('takes a chunk apart as nodes hand it out, and tells a forged one', async () => {
    const signer = feedSigner(key)
    const update = await signer.sign(topic, 0n, toBytes('data'), 1)
    const raw = Buffer.concat([update.identifier, update.signature, wrappedChunk(update)])
    const parsed = parseOwnedChunk(raw, signer.owner)
    expect(parsed).not.toBeNull()
    expect(await isSignedByOwner(parsed!)).toBe(true)
    expect(Buffer.from(feedData(parsed!)!).toString()).toBe('data')
    const forged = Buffer.from(raw)
    forged[forged.length - 1]! ^= 1
    expect(await isSignedByOwner(parseOwnedChunk(forged, signer.owner)!)).toBe(false)
    expect(await isSignedByOwner({ ...update, owner: new Uint8Array(20) })).toBe(false)
    expect(await isSignedByOwner({ ...update, signature: new Uint8Array(65) })).toBe(false)
    expect(await isSignedByOwner({ ...update, identifier: feedIdentifier(topic, 1n) })).toBe(false)
    expect(parseOwnedChunk(raw.subarray(0, 90), signer.owner)).toBeNull()
    expect(parseOwnedChunk(raw.subarray(0, raw.length - 1), signer.owner)).toBeNull()
    expect(feedData({ ...update, payload: new Uint8Array(7) })).toBeNull()
  })
})
