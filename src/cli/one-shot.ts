/** What the verbs share that load one bundle, do one thing with it and end. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import { readEngineConfig } from './engine-config.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { createHeadlessEngine } from './headless-engine.ts'
import type { Output } from './output.ts'

export interface OneShotOptions {
  /** An engine.toml. */
  readonly config: string | undefined
  /** Undefined for that of the engine.toml, or else one that is thrown away at the end. */
  readonly stateDir: string | undefined
  readonly version: string
}

/**
 * Runs an engine for as long as `work` takes; answers its exit code. What it fails with is printed: exit 2 for bad
 * input, else 1. Throws `usage.invalid` and `config.*` for an engine.toml that is of no use.
 */
export async function withEngine(
  options: OneShotOptions,
  output: Output,
  work: (engine: Engine) => Promise<number>,
): Promise<number> {
  const config = await readEngineConfig(options.config)
  const headless = await createHeadlessEngine({
    version: options.version,
    stateDir: options.stateDir ?? config.stateDir,
    settings: { chains: [...config.chains], operator: config.operator },
  })
  try {
    for (const warning of config.warnings) output.warning(warning)
    await headless.engine.start()
    return await work(headless.engine)
  } catch (error) {
    const fault = toErrorReport(error)
    output.error(fault)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    await headless.close()
  }
}

/**
 * Installs a bundle with everything it asks for granted (naming it on the command line is consent) and runs it. `prepare`
 * is called between the two. Answers the module's name. Throws what its load failed with.
 */
export async function runBundle(
  engine: Engine,
  bundle: string,
  prepare: (name: string) => void = () => undefined,
): Promise<string> {
  const request = await engine.modules.inspect(path.resolve(bundle), {})
  const granted = request.asks.map((ask) => ask.capability)
  const name = await engine.modules.install(request.requestId, granted, false)
  prepare(name)
  await engine.modules.start(name)
  throwFailure(engine, name)
  return name
}

/** Throws what the module fails with, if it does. */
export function throwFailure(engine: Engine, name: string): void {
  const status = engine.modules.views().find((module) => module.name === name)?.status
  if (status !== undefined && 'error' in status) throw PaddockError.fromReport(status.error)
}

/** Bytes of `@file`, or of the text itself. Throws `usage.invalid` for a file that cannot be read. */
export async function readArgument(given: string): Promise<Uint8Array> {
  if (!given.startsWith('@')) return Buffer.from(given, 'utf8')
  try {
    return await readFile(path.resolve(given.slice(1)))
  } catch (cause) {
    throw new PaddockError('usage.invalid', `The file ${given.slice(1)} cannot be read.`, { cause })
  }
}
