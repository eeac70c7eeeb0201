/** `paddock query`: asks a query module once. */
import { PaddockError } from '../shared/errors.ts'
import { exitCodes } from './exit-codes.ts'
import { readArgument, runBundle, withEngine, type OneShotOptions } from './one-shot.ts'
import type { Output } from './output.ts'

export interface QueryOptions extends OneShotOptions {
  readonly bundle: string
  /** `@file`, `0x…` or text. */
  readonly input: string
}

/**
 * Loads the bundle, asks it, and prints the answer. Exit 0 for an answer, 1 for the module's own error or its failure,
 * 2 for bad input. Everything the manifest asks for is granted: naming it here is consent.
 */
export async function query(options: QueryOptions, output: Output): Promise<number> {
  const input = await readInput(options.input)
  return withEngine(options, output, async (engine) => {
    const name = await runBundle(engine, options.bundle)
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
  })
}

/** Bytes of `@file`, of `0x` and hexadecimal digits, or of the text itself. Throws `usage.invalid`. */
export async function readInput(given: string): Promise<Uint8Array> {
  if (!given.startsWith('0x')) return readArgument(given)
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
