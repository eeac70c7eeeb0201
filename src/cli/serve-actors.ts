/** `paddock serve-actors`: an engine that owns databases for the actors of other engines. */
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import { readToken } from '../engine/contracts/actor/remote/token.ts'
import { readEngineConfig } from './engine-config.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { createHeadlessEngine } from './headless-engine.ts'
import type { Output } from './output.ts'
import { untilSignal } from './until-signal.ts'

export interface ServeActorsOptions {
  readonly tokenFile: string
  readonly host: string
  readonly port: number
  readonly config: string | undefined
  readonly stateDir: string | undefined
  /** Milliseconds, or undefined to serve until a signal. */
  readonly forMs: number | undefined
  readonly version: string
}

/** Serves until a signal or a time. What it sends is not encrypted: put a proxy with TLS in front beyond this machine. */
export async function serveActors(options: ServeActorsOptions, output: Output): Promise<number> {
  const config = await readEngineConfig(options.config)
  const stateDir = options.stateDir ?? config.stateDir
  if (stateDir === null) {
    throw new PaddockError('usage.invalid', 'serve-actors needs --state-dir: what it owns must outlive it.')
  }
  const token = await readToken(options.tokenFile)
  const headless = await createHeadlessEngine({
    version: options.version,
    stateDir,
    settings: { operator: config.operator },
  })
  try {
    for (const warning of config.warnings) output.warning(warning)
    await headless.engine.start()
    const served = await headless.engine.contracts.actors.serve({
      host: options.host,
      port: options.port,
      token,
    })
    output.line(
      'engine.state',
      { state: 'serving', url: served.url },
      `serves databases of actors at ${served.url}`,
    )
    await untilSignal(options.forMs)
    return exitCodes.ok
  } catch (error) {
    const fault = toErrorReport(error, 'wasm.invalid_state')
    output.error(fault)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    await headless.close()
  }
}
