/** Signatures of each kind that wait, complete and within the schema. */
import type { Approval } from '../../../shared/domain/identity.ts'
import { sampleHash } from '../samples.ts'

export const sampleAccount = '0x8f3a06c2b91e5d7740c1a8f2d6017e21c7d60171'

export function sampleApproval(id: string, change: Partial<Approval> = {}): Approval {
  const askedAt = Date.now()
  return {
    id,
    module: 'twap-monitor',
    account: sampleAccount,
    method: 'sign-typed-data',
    chainId: '100',
    digest: `0x${sampleHash(id)}`,
    content: {
      kind: 'typed-data',
      primaryType: 'Order',
      domain: [
        { path: 'name', type: 'string', value: 'Gnosis Protocol' },
        { path: 'verifyingContract', type: 'address', value: '0x9008d19f58aabd9ed0d60971565aa8510560ab41' },
      ],
      fields: [
        { path: 'sellToken', type: 'address', value: '0x1111111111111111111111111111111111111111' },
        { path: 'sellAmount', type: 'uint256', value: '1000000000000000000' },
        { path: 'validTo', type: 'uint32', value: '1784021000' },
      ],
      hiddenFields: 0,
    },
    askedAt,
    expiresAt: askedAt + 120_000,
    ...change,
  }
}

export function sampleTransaction(id: string): Approval {
  return sampleApproval(id, {
    method: 'sign-transaction',
    content: {
      kind: 'transaction',
      to: '0x2222222222222222222222222222222222222222',
      valueWei: '1500000000000000001',
      data: '0xa9059cbb0000',
      dataBytes: 68,
      nonce: '7',
      gas: '21000',
      maxFeeWei: '420000000000000',
    },
  })
}

export function sampleMessage(id: string): Approval {
  return sampleApproval(id, {
    method: 'sign',
    chainId: null,
    content: { kind: 'message', bytes: 5, text: 'hello', hex: '0x68656c6c6f', isCut: false },
  })
}
