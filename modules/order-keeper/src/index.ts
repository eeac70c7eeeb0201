import { accounts, signTypedData } from 'nexum:host/identity@0.2.0'
import { get, set } from 'nexum:host/local-store@0.2.0'
import { log } from 'nexum:host/logging@0.2.0'
import type { Block, Config, Event } from 'nexum:host/types@0.2.0'
import { request, submitOrder } from 'shepherd:cow/cow-api@0.2.0'
import { caughtHostError, decodeText, encodeText, hex } from 'paddock:guest'
import { emptyAppData, typedData, type Order } from './order.ts'
import { parseSettings, type Settings } from './settings.ts'

/** What the store keeps under `order`. */
interface Kept {
  uid: string
  validTo: number
}

let settings: Settings | undefined

export function init(config: Config): void {
  settings = parseSettings(config)
  log('info', 'keeping one order open')
}

function readKept(): Kept | null {
  const stored = get('order')
  return stored === null ? null : (JSON.parse(decodeText(stored)) as Kept)
}

/** Whether the order book still has the order. */
function isKnown(chainId: number, { uid }: Kept): boolean {
  try {
    request(chainId, 'GET', `api/v1/orders/${uid}`, null)
    return true
  } catch (thrown) {
    const { code, kind, message } = caughtHostError(thrown)
    if (code === 404) return false
    // Whatever it is, it says nothing about the order.
    log('warn', `the order book does not answer: ${kind.tag}: ${message}`)
    return true
  }
}

function place(block: Block, current: Settings): void {
  const [account] = accounts()
  if (account === undefined) {
    log('warn', 'no account is granted to sign with')
    return
  }
  const validTo = Math.floor(block.timestamp / 1_000) + current.validFor
  const order: Order = {
    sellToken: current.sellToken,
    buyToken: current.buyToken,
    receiver: hex(account),
    sellAmount: current.sellAmount,
    buyAmount: current.buyAmount,
    feeAmount: '0',
    validTo,
    kind: 'sell',
    partiallyFillable: false,
    sellTokenBalance: 'erc20',
    buyTokenBalance: 'erc20',
  }
  try {
    const signature = signTypedData(account, typedData(block.chainId, order))
    const signed = {
      ...order,
      ...emptyAppData,
      signingScheme: 'eip712',
      signature: hex(signature),
      from: hex(account),
    }
    const uid = submitOrder(block.chainId, encodeText(JSON.stringify(signed)))
    set('order', encodeText(JSON.stringify({ uid, validTo } satisfies Kept)))
    log('info', `order ${uid} is open until ${validTo}`)
  } catch (thrown) {
    const { domain, kind, message, data } = caughtHostError(thrown)
    log('warn', `no order: ${domain}: ${kind.tag}: ${message}${data === null ? '' : ` ${data}`}`)
  }
}

export function onEvent(event: Event): void {
  if (event.tag !== 'block' || settings === undefined) return
  const block = event.val
  const kept = readKept()
  const now = Math.floor(block.timestamp / 1_000)
  const isFresh = kept !== null && kept.validTo - now > settings.validFor / 10
  if (!isFresh || !isKnown(block.chainId, kept)) place(block, settings)
}
