import { get, set } from 'nexum:host/local-store@0.2.0'
import { log } from 'nexum:host/logging@0.2.0'
import type { Block, Config, Event } from 'nexum:host/types@0.2.0'
import { decodeText, encodeText, hex } from 'paddock:guest'

function readNumber(key: string): number | undefined {
  const stored = get(key)
  return stored === null ? undefined : Number(decodeText(stored))
}

function writeNumber(key: string, value: number): void {
  set(key, encodeText(String(value)))
}

/** Blocks that were never seen between the last one and this one; a lower number is a reorganisation. */
function checkOrder(block: Block): void {
  const last = readNumber('blocks/last')
  if (last === undefined || block.number === last + 1) return
  if (block.number <= last) {
    log('warn', `block ${block.number} follows block ${last}: the chain was reorganised or reset`)
    return
  }
  const missed = block.number - last - 1
  writeNumber('blocks/gaps', (readNumber('blocks/gaps') ?? 0) + 1)
  log('warn', `missed ${missed} block${missed === 1 ? '' : 's'} between ${last} and ${block.number}`)
}

export function init(_config: Config): void {
  const count = readNumber('blocks/count') ?? 0
  log('info', count === 0 ? 'waiting for the first block' : `${count} blocks counted so far`)
}

export function onEvent(event: Event): void {
  if (event.tag !== 'block') return
  const block = event.val
  checkOrder(block)
  log('info', `block ${block.number} ${hex(block.hash)} at ${new Date(block.timestamp).toISOString()}`)
  writeNumber('blocks/count', (readNumber('blocks/count') ?? 0) + 1)
  writeNumber('blocks/last', block.number)
}
