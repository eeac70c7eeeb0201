import type { Config } from 'nexum:host/types@0.2.0'
import { hostError } from 'paddock:guest'

export interface Settings {
  url: string
  topic: string
  below: number | undefined
  above: number | undefined
}

function reject(key: string, problem: string): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- the contract's error is a plain record
  throw hostError('price-alert', 'invalid-input', `config ${key}: ${problem}`)
}

function limit(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  return text.trim() !== '' && Number.isFinite(value) ? value : reject(key, `"${text}" is not a number`)
}

/** Reads the flattened [config]; throws the host-error invalid-input naming the key at fault. */
export function parseSettings(config: Config): Settings {
  const values = new Map(config)
  const url = values.get('url')
  if (url === undefined || !/^https?:\/\//.test(url)) return reject('url', 'must be an http or https address')
  const topic = values.get('topic')
  if (topic === undefined) return reject('topic', 'is missing')
  return {
    url,
    topic,
    below: limit('below', values.get('below')),
    above: limit('above', values.get('above')),
  }
}
