import { parseTransaction, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalWeb } from '../../../../test/support/local-web.ts'
import { HostFailure } from '../capability.ts'
import { RemoteSigner } from './remote-signer.ts'
import { signableMessage, signableTransaction, signableTypedData, type Signable } from './signables.ts'
import { isSignedBy } from './signature.ts'

const account = privateKeyToAccount(`0x${'4c'.repeat(32)}`)
const other = privateKeyToAccount(`0x${'5d'.repeat(32)}`)
const address = account.address.toLowerCase()

let web: LocalWeb
/** What the signer answers to a method with these params, as a result; an error to answer instead. */
let answer: (method: string, params: unknown[]) => Promise<unknown>
let asked: { method: string; params: unknown[] }[]

beforeEach(async () => {
  asked = []
  web = await new LocalWeb().start()
  web.handler = (request, response) => {
    const { id, method, params } = JSON.parse(request.body.toString()) as {
      id: number
      method: string
      params: unknown[]
    }
    asked.push({ method, params })
    void answer(method, params).then(
      (result) => response.end(JSON.stringify({ jsonrpc: '2.0', id, result })),
      (error: unknown) =>
        response.end(
          JSON.stringify({
            jsonrpc: '2.0',
            id,
            error: { code: (error as { code: number }).code, message: 'secret detail' },
          }),
        ),
    )
  }
})

afterEach(() => web.stop())

/** A wallet that signs what it is asked with this key. */
function wallet(signer = account): typeof answer {
  return async (method, params) => {
    switch (method) {
      case 'personal_sign':
        return await signer.signMessage({ message: { raw: params[0] as Hex } })
      case 'eth_signTypedData_v4':
        return await signer.signTypedData(
          JSON.parse(params[1] as string) as Parameters<typeof signer.signTypedData>[0],
        )
      default: {
        const request = params[0] as Record<string, Hex>
        return await signer.signTransaction({
          type: 'eip1559',
          chainId: Number(request['chainId']),
          nonce: Number(request['nonce']),
          to: request['to'] as Hex,
          value: BigInt(request['value'] ?? 0),
          data: request['data'] as Hex,
          gas: BigInt(request['gas'] ?? 0),
          maxFeePerGas: BigInt(request['maxFeePerGas'] ?? 0),
          maxPriorityFeePerGas: BigInt(request['maxPriorityFeePerGas'] ?? 0),
        })
      }
    }
  }
}

const sign = (signable: Signable) =>
  new RemoteSigner().sign(`http://127.0.0.1:${web.port}/rpc`, address, signable, new AbortController().signal)

async function failureOf(work: Promise<unknown>): Promise<HostFailure['hostError']> {
  const error = await work.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(HostFailure)
  return (error as HostFailure).hostError
}

const message = await signableMessage(new TextEncoder().encode('hello'))
const typed = signableTypedData(
  JSON.stringify({
    types: { T: [{ name: 'n', type: 'uint256' }] },
    primaryType: 'T',
    domain: { name: 'x', chainId: 1 },
    message: { n: (2n ** 200n).toString() },
  }),
)
const transaction = signableTransaction({
  chainId: '1',
  nonce: 1n,
  gas: 21_000n,
  to: `0x${'ab'.repeat(20)}`,
  value: 9n,
  data: '0x',
  fees: { type: 'eip1559', maxFeePerGas: 3n, maxPriorityFeePerGas: 1n },
})

describe('a remote signer', () => {
  it.each([
    ['personal_sign', message],
    ['eth_signTypedData_v4', typed],
    ['eth_signTransaction', transaction],
  ])('is asked with %s, and its signature is the account s', async (method, signable) => {
    answer = wallet()
    const signature = await sign(signable)
    expect(await isSignedBy(address, signable.digest, signature)).toBe(true)
    expect(asked.map((each) => each.method)).toEqual([method])
  })

  it.each([message, typed, transaction])('is not believed when another account signed', async (signable) => {
    answer = wallet(other)
    expect(await failureOf(sign(signable))).toMatchObject({ kind: 'unavailable', code: 0 })
  })

  it('is not believed when it signed another transaction', async () => {
    answer = async (_method, [request]) => {
      const { to, nonce } = request as { to: Hex; nonce: Hex }
      const signed = await account.signTransaction({
        type: 'eip1559',
        chainId: 1,
        to,
        nonce: Number(nonce),
        value: 10n,
        gas: 21_000n,
      })
      expect(parseTransaction(signed).value).toBe(10n)
      return signed
    }
    expect(await failureOf(sign(transaction))).toMatchObject({ kind: 'unavailable' })
  })

  it('that refuses is the user s no; all else is unavailable', async () => {
    answer = () => Promise.reject(Object.assign(new Error(), { code: 4001 }))
    expect(await failureOf(sign(message))).toMatchObject({ kind: 'denied', code: 4001 })
    answer = () => Promise.reject(Object.assign(new Error(), { code: -32000 }))
    const failed = await failureOf(sign(message))
    expect(failed).toMatchObject({ kind: 'unavailable', code: 0 })
    expect(failed.message).not.toContain('secret')
    for (const result of [null, '0x', '0x1234', 5, { raw: 'x' }, `0x${'ff'.repeat(65)}`]) {
      answer = () => Promise.resolve(result)
      expect(await failureOf(sign(message))).toMatchObject({ kind: 'unavailable' })
      expect(await failureOf(sign(transaction))).toMatchObject({ kind: 'unavailable' })
    }
    web.handler = (_request, response) => response.writeHead(500).end('<html>')
    expect(await failureOf(sign(message))).toMatchObject({ kind: 'unavailable' })
    await web.stop()
    const refused = await failureOf(sign(message))
    expect(refused).toMatchObject({ domain: 'identity', kind: 'unavailable' })
    expect(refused.message).not.toContain('127.0.0.1')
  })
})
