import { fetch } from 'nexum:host/http@0.2.0'
import { get, set } from 'nexum:host/local-store@0.2.0'
import { log } from 'nexum:host/logging@0.2.0'
import { publish } from 'nexum:host/messaging@0.2.0'
import type { Config, Event } from 'nexum:host/types@0.2.0'
import { caughtHostError, decodeText, encodeText } from 'paddock:guest'
import { parseSettings, type Settings } from './settings.ts'

type Zone = 'below' | 'within' | 'above'

let settings: Settings | undefined

export function init(config: Config): void {
  settings = parseSettings(config)
  log('info', 'watching a price')
}

/** The price, or null where the server has none to give now. */
function readPrice(url: string): number | null {
  try {
    const { status, body } = fetch({ method: 'GET', url, headers: [], body: null, timeoutMs: 5_000 })
    const answer: unknown = status === 200 ? JSON.parse(decodeText(body)) : null
    if (typeof answer === 'object' && answer !== null && 'price' in answer) {
      const { price } = answer
      if (typeof price === 'number' && Number.isFinite(price)) return price
    }
    log('warn', `the server answered HTTP ${status} without a price`)
  } catch (thrown) {
    if (thrown instanceof SyntaxError) log('warn', 'the server answered with something else than JSON')
    else {
      const { kind, message } = caughtHostError(thrown)
      log('warn', `no price: ${kind.tag}: ${message}`)
    }
  }
  return null
}

function zoneOf(price: number, { below, above }: Settings): Zone {
  if (below !== undefined && price < below) return 'below'
  return above !== undefined && price > above ? 'above' : 'within'
}

/** Publishes when the price is in another zone than it was. */
function check(current: Settings): void {
  const price = readPrice(current.url)
  if (price === null) return
  const zone = zoneOf(price, current)
  const stored = get('zone')
  const before = stored === null ? 'within' : decodeText(stored)
  set('price', encodeText(String(price)))
  if (zone === before) return
  set('zone', encodeText(zone))
  publish(current.topic, encodeText(JSON.stringify({ zone, price })))
  log(zone === 'within' ? 'info' : 'warn', `the price ${price} is ${zone} the limits`)
}

export function onEvent(event: Event): void {
  if (settings === undefined) return
  if (event.tag === 'block') check(settings)
  if (event.tag === 'message') {
    const stored = get('price')
    const price = stored === null ? null : Number(decodeText(stored))
    publish(settings.topic, encodeText(JSON.stringify({ zone: 'asked', price })))
  }
}
