import { get, set } from 'nexum:host/local-store@0.2.0'
import { log } from 'nexum:host/logging@0.2.0'
import type { Event, Log } from 'nexum:host/types@0.2.0'
import { decodeText, encodeText, hex } from 'paddock:guest'

const zero = `0x${'0'.repeat(40)}`

export function init(): void {
  log('info', `indexing, ${readNumber('count')} transfers so far`)
}

function readNumber(key: string): bigint {
  const stored = get(key)
  return stored === null ? 0n : BigInt(decodeText(stored))
}

function add(key: string, change: bigint): void {
  set(key, encodeText(String(readNumber(key) + change)))
}

/** An address as it stands at the end of a topic. */
function addressIn(topic: Uint8Array): string {
  return hex(topic.subarray(12))
}

function index({ address, topics, data, blockNumber, logIndex }: Log): void {
  const [, from, to] = topics
  // Tokens that are not fungible index the amount too, and have no data.
  if (from === undefined || to === undefined || data.length !== 32) return
  const token = hex(address)
  const transfer = { token, from: addressIn(from), to: addressIn(to), value: String(BigInt(hex(data))) }
  // Sorted by text as by number.
  const key = `transfer/${String(blockNumber).padStart(12, '0')}/${String(logIndex).padStart(6, '0')}`
  set(key, encodeText(JSON.stringify(transfer)))
  add('count', 1n)
  if (transfer.from !== zero) add(`balance/${token}/${transfer.from}`, -BigInt(transfer.value))
  if (transfer.to !== zero) add(`balance/${token}/${transfer.to}`, BigInt(transfer.value))
  log('info', `${transfer.value} of ${token} from ${transfer.from} to ${transfer.to} in block ${blockNumber}`)
}

export function onEvent(event: Event): void {
  if (event.tag === 'logs') event.val.forEach(index)
}
