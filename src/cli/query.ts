/** `paddock query`: asks a query module once. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import { readEngineConfig } from './engine-config.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { createHeadlessEngine } from './headless-engine.ts'
import type { Output } from './output.ts'

export interface QueryOptions {
  readonly bundle: string
  /** `@file`, `0x…` or text. */
  readonly input: string
  readonly config: string | undefined
  readonly stateDir: string | undefined
  readonly version: string
}

/**
 * Loads the bundle, asks it, and prints the answer. Exit 0 for an answer, 1 for the module's own error or its failure,
 * 2 for bad input. Everything the manifest asks for is granted: naming it here is consent.
 */
export async function query(options: QueryOptions, output: Output): Promise<number> {
  const config = await readEngineConfig(options.config)
  const input = await readInput(options.input)
  const headless = await createHeadlessEngine({
    version: options.version,
    stateDir: options.stateDir ?? config.stateDir,
    settings: { chains: [...config.chains], operator: config.operator },
  })
  const { engine } = headless
  try {
    for (const warning of config.warnings) output.warning(warning)
    await engine.start()
    const request = await engine.modules.inspect(path.resolve(options.bundle), {})
    const granted = request.asks.map((ask) => ask.capability)
    const name = await engine.modules.install(request.requestId, granted, true)
    const status = engine.modules.views().find((module) => module.name === name)?.status
    if (status !== undefined && 'error' in status) throw PaddockError.fromReport(status.error)
    const answer = await engine.contracts.queries.ask(name, input)
    if (!answer.ok) {
      const { domain, kind, code, message } = answer.error
      output.result({ ok: false, error: answer.error }, `${domain} answered ${kind} (${code}): ${message}`)
      return exitCodes.moduleFailed
    }
    const hex = `0x${Buffer.from(answer.value).toString('hex')}`
    const text = asText(answer.value)
    output.result({ ok: true, hex, ...(text === null ? {} : { text }) }, text ?? hex)
    return exitCodes.ok
  } catch (error) {
    const fault = toErrorReport(error)
    output.error(fault)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    await headless.close()
  }
}

/** Bytes of `@file`, of `0x` and hexadecimal digits, or of the text itself. Throws `usage.invalid`. */
export async function readInput(given: string): Promise<Uint8Array> {
  if (given.startsWith('@')) {
    try {
      return await readFile(given.slice(1))
    } catch (cause) {
      throw new PaddockError('usage.invalid', `${given.slice(1)} cannot be read.`, { cause })
    }
  }
  if (!given.startsWith('0x')) return Buffer.from(given, 'utf8')
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(given)) {
    throw new PaddockError('usage.invalid', `"${given}" is not hexadecimal: two digits for each byte.`)
  }
  return Buffer.from(given.slice(2), 'hex')
}

/** The answer as text, or null where it is no UTF-8 or holds control characters. */
function asText(value: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(value)
    return /^[^\p{Cc}]*$/u.test(text.replaceAll(/[\n\t]/g, '')) ? text : null
  } catch {
    return null
  }
}
