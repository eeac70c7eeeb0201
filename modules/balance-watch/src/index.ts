import { requestBatch } from 'nexum:host/chain@0.2.0'
import { nowMs } from 'nexum:host/clock@0.2.0'
import { log } from 'nexum:host/logging@0.2.0'
import type { Block, Config, Event, Tick } from 'nexum:host/types@0.2.0'
import { formatEther, readBalance, writeBalance } from './balances.ts'
import { parseSettings } from './settings.ts'
import type { Settings } from './settings.ts'

let settings: Settings = { addresses: [], warnBelow: undefined, warnAbove: undefined }

export function init(config: Config): void {
  settings = parseSettings(config)
  log('info', `watching ${settings.addresses.length} addresses`)
}

function parseQuantity(json: string): bigint {
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]+$/.test(value)) throw new Error(`not a quantity: ${json}`)
  return BigInt(value)
}

/** Warns when a balance enters a forbidden range, not again on every block it stays there. */
function checkLimits(address: string, wei: bigint, before: bigint | undefined): void {
  const { warnBelow, warnAbove } = settings
  if (warnBelow !== undefined && wei < warnBelow && (before === undefined || before >= warnBelow)) {
    log('warn', `${address} holds ${formatEther(wei)}, below ${formatEther(warnBelow)}`)
  }
  if (warnAbove !== undefined && wei > warnAbove && (before === undefined || before <= warnAbove)) {
    log('warn', `${address} holds ${formatEther(wei)}, above ${formatEther(warnAbove)}`)
  }
}

function record(address: string, wei: bigint, block: number): void {
  const before = readBalance(address)
  if (before !== undefined && before.wei !== wei) {
    const change = wei - before.wei
    const sign = change > 0n ? '+' : ''
    log(
      'info',
      `${address} changed by ${sign}${formatEther(change)} to ${formatEther(wei)} at block ${block}`,
    )
  }
  checkLimits(address, wei, before?.wei)
  writeBalance(address, { wei, block })
}

function onBlock(block: Block): void {
  const at = `0x${block.number.toString(16)}`
  const requests = settings.addresses.map((address) => ({
    method: 'eth_getBalance',
    params: JSON.stringify([address, at]),
  }))
  const results = requestBatch(block.chainId, requests)
  settings.addresses.forEach((address, index) => {
    const result = results[index]
    if (result?.tag === 'ok') record(address, parseQuantity(result.val), block.number)
    else {
      const reason = result === undefined ? 'no answer' : `${result.val.kind.tag}: ${result.val.message}`
      log('warn', `balance of ${address} at block ${block.number} is unknown (${reason})`)
    }
  })
}

function onTick(tick: Tick): void {
  const balances = settings.addresses.map((address) => readBalance(address))
  const known = balances.filter((balance) => balance !== undefined)
  const total = known.reduce((sum, { wei }) => sum + wei, 0n)
  const block = known.reduce((latest, balance) => Math.max(latest, balance.block), 0)
  const late = nowMs() - tick.firedAt
  log(
    'info',
    `${known.length} of ${balances.length} addresses hold ${formatEther(total)} at block ${block} ` +
      `(${new Date(tick.firedAt).toISOString()}, ${late} ms ago)`,
  )
}

export function onEvent(event: Event): void {
  if (event.tag === 'block') onBlock(event.val)
  if (event.tag === 'tick') onTick(event.val)
}
