/** `paddock run`: modules without a window, until a signal or a time. */
import path from 'node:path'
import type { ChainConfig } from '../shared/domain/chain.ts'
import type { ConfiguredModule } from '../engine/config/configured-modules.ts'
import type { Operator } from '../shared/domain/operator/operator.ts'
import { listenAddressSchema } from '../shared/domain/operator/common.ts'
import { moduleGrantsSchema, type ModuleGrants } from '../shared/domain/operator/grants.ts'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import { isContentReference } from '../engine/content/references.ts'
import { devnetChainId } from '../engine/devnet/chain.ts'
import type { Engine } from '../engine/engine.ts'
import { noFileWarning, readEngineConfig, type FoundConfig } from './engine-config.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { createHeadlessEngine } from './headless-engine.ts'
import { parseRpcOption } from './options.ts'
import type { Output } from './output.ts'
import { follow } from './run-report.ts'
import { answerSignatures, unlockFrom, type Approve } from './signatures.ts'

export interface RunOptions {
  /** In place of the modules of the configuration, when there are any. */
  readonly bundles: readonly string[]
  readonly config: string | undefined
  readonly stateDir: string | undefined
  /** `CHAIN=URL`, repeatable. */
  readonly rpc: readonly string[]
  /** Milliseconds, or undefined to run until a signal. */
  readonly forMs: number | undefined
  /** `host:port` of a listener, or true for the configured one. */
  readonly metrics: string | true | undefined
  readonly health: string | true | undefined
  /** A file whose first line opens the key files. */
  readonly passphraseFile: string | undefined
  /** How signatures that wait for a person are answered. */
  readonly approve: Approve
  readonly version: string
}

/** Where health is told when the flag names no address and the configuration none. */
const usualHealth = '127.0.0.1:9101'

/**
 * Runs the bundles, or else the modules of the configuration; answers the exit code. Everything a manifest asks for
 * is granted unless the configuration grants less: naming a module there is consent.
 */
export async function run(
  options: RunOptions,
  outputFor: (format: Operator['logging']['format'] | null) => Output,
): Promise<number> {
  const config = await readEngineConfig(options.config)
  const operator = withListeners(config.operator, options)
  const output = outputFor(config.file === null ? null : operator.logging.format)
  const modules = modulesToRun(options, config, output)
  const headless = await createHeadlessEngine({
    version: options.version,
    stateDir: options.stateDir ?? config.stateDir,
    settings: { chains: chainsOf(options, config), operator },
  })
  const { engine } = headless
  const report = follow(engine, operator, output)
  const stopAnswering = answerSignatures(engine, options.approve, output)
  const ending = watchForEnd()
  let starting: Promise<void> = Promise.resolve()
  let code: number = exitCodes.ok
  try {
    await engine.start()
    if (options.passphraseFile !== undefined) await unlockFrom(engine, options.passphraseFile)
    const { metrics, health } = engine.observability.addresses
    output.line(
      'engine.state',
      { state: 'running', stateDir: engine.stateDir, metrics, health },
      `engine runs, state in ${engine.stateDir}${listening(operator, metrics, health)}`,
    )
    starting = (async () => {
      for (const module of modules) {
        const result = await startModule(engine, module, output, ending)
        code = Math.max(code, result)
        if (result === exitCodes.ok || !operator.engine.strictBoot) continue
        output.warning('One module did not start, and engine.strict_boot is on.')
        ending.finish()
      }
    })()
    await Promise.race([starting, ending.promise])
    if (engine.modules.views().length > 0 || operator.discovery.sources.length > 0) {
      if (options.forMs !== undefined) ending.endAfter(options.forMs)
      await ending.promise
    }
  } finally {
    ending.finish()
    stopAnswering()
    code = Math.max(
      code,
      engine.modules.views().some((module) => module.status.state === 'dead') ? exitCodes.moduleFailed : 0,
    )
    await headless.close()
    await starting
    report.stop()
    output.line('engine.state', { state: 'stopped', exitCode: code }, `engine stopped, exit ${code}`)
  }
  return code
}

function listening(operator: Operator, metrics: string | null, health: string | null): string {
  return [
    metrics === null ? '' : `, metrics at http://${metrics}${operator.metrics.path}`,
    health === null ? '' : `, health at http://${health}/health`,
  ].join('')
}

/** What the command line names wins over the file, with a warning. Throws `usage.invalid` when nothing is to run. */
function modulesToRun(
  { bundles, rpc }: RunOptions,
  config: FoundConfig,
  output: Output,
): readonly (ConfiguredModule | string)[] {
  for (const warning of config.warnings) output.warning(warning)
  if (bundles.length > 0) {
    if (config.file === null && rpc.length === 0) output.warning(noFileWarning)
    if (config.modules.length > 0)
      output.warning('The modules of the configuration are not run: bundles were named.')
    return bundles.map((bundle) => (isContentReference(bundle) ? bundle : path.resolve(bundle)))
  }
  if (config.modules.length === 0 && config.operator.discovery.sources.length === 0) {
    throw new PaddockError(
      'usage.invalid',
      'There is nothing to run: name a bundle, or [[modules]] in engine.toml.',
    )
  }
  return config.modules
}

function chainsOf({ rpc }: RunOptions, config: FoundConfig): ChainConfig[] {
  const named = rpc.map(parseRpcOption)
  const kept = config.chains.filter((chain) => !named.some(({ chainId }) => chainId === chain.chainId))
  return [...kept, ...named]
}

/** Throws `usage.invalid` for an address that is none. */
function withListeners(operator: Operator, { metrics, health }: RunOptions): Operator {
  const { bindAddr } = operator.metrics
  const listen = operator.health.listen ?? usualHealth
  return {
    ...operator,
    ...(metrics === undefined
      ? {}
      : {
          metrics: {
            ...operator.metrics,
            enabled: true,
            bindAddr: addressOf('--metrics', metrics, bindAddr),
          },
        }),
    ...(health === undefined
      ? {}
      : { health: { ...operator.health, listen: addressOf('--health', health, listen) } }),
  }
}

function addressOf(option: string, given: string | true, usual: string): string {
  if (given === true) return usual
  const address = /^\d+$/.test(given) ? `127.0.0.1:${given}` : given
  if (listenAddressSchema.safeParse(address).success) return address
  throw new PaddockError(
    'usage.invalid',
    `${option} takes host:port, for instance 127.0.0.1:9100, not "${given}".`,
  )
}

async function startModule(
  engine: Engine,
  module: ConfiguredModule | string,
  output: Output,
  ending: Ending,
): Promise<number> {
  const configured = typeof module === 'string' ? null : module
  const bundle = typeof module === 'string' ? module : module.path
  try {
    if (ending.isOver) return exitCodes.ok
    const given = configured === null ? {} : givenOf(configured)
    const request = await engine.modules.inspect(bundle, {
      record: given,
      manifestFile: configured?.manifest ?? undefined,
    })
    const name = configured?.id ?? request.name
    if (name !== request.name) {
      throw new PaddockError('module.unknown', `The module is named ${request.name}, not ${name}.`, {
        remedy: 'Correct the id of the entry in engine.toml, or its path.',
      })
    }
    if (request.chainsMissing.includes(devnetChainId)) await engine.startDevnet()
    const asked = request.asks.map((ask) => ask.capability)
    const granted = configured?.capabilities ?? asked
    await engine.modules.install(
      request.requestId,
      asked.filter((capability) => granted.includes(capability)),
      true,
      given,
    )
    return exitCodes.ok
  } catch (error) {
    // What a signal broke off is no fault.
    if (ending.isOver) return exitCodes.ok
    const fault = toErrorReport(error)
    output.error({ ...fault, message: `${bundle}: ${fault.message}` })
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  }
}

function givenOf(module: ConfiguredModule): { grants: ModuleGrants; limits: ConfiguredModule['limits'] } {
  return { grants: moduleGrantsSchema.parse(module), limits: module.limits }
}

interface Ending {
  readonly promise: Promise<void>
  readonly isOver: boolean
  /** Ends it when the time is over, if nothing ends it before. */
  endAfter(ms: number): void
  finish(): void
}

/** Settles at the first SIGINT or SIGTERM, or when told; a second signal ends the process at once. */
function watchForEnd(): Ending {
  let settle: () => void = () => undefined
  let timer: NodeJS.Timeout | undefined
  let signals = 0
  let isOver = false
  const promise = new Promise<void>((resolve) => {
    settle = resolve
  })
  const finish = (): void => {
    isOver = true
    clearTimeout(timer)
    settle()
  }
  const onSignal = (): void => {
    signals += 1
    if (signals > 1) process.exit(exitCodes.moduleFailed)
    finish()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    promise,
    finish,
    get isOver() {
      return isOver
    },
    endAfter(ms) {
      if (!isOver) timer = setTimeout(finish, ms)
    },
  }
}
