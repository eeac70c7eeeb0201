/** `paddock run`: modules without a window, until a signal or a time. */
import path from 'node:path'
import type { ModuleView } from '../shared/domain/module.ts'
import type { SnapshotChange } from '../shared/domain/engine.ts'
import { toErrorReport } from '../shared/errors.ts'
import { devnetChainId } from '../engine/devnet/chain.ts'
import type { Engine } from '../engine/engine.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { createHeadlessEngine } from './headless-engine.ts'
import type { Output } from './output.ts'
import { readEngineConfig } from './engine-config.ts'
import { parseRpcOption } from './options.ts'

export interface RunOptions {
  readonly bundles: readonly string[]
  readonly config: string | undefined
  readonly stateDir: string | undefined
  /** `CHAIN=URL`, repeatable. */
  readonly rpc: readonly string[]
  /** Milliseconds, or undefined to run until a signal. */
  readonly forMs: number | undefined
  readonly version: string
}

/** Runs the bundles; answers the exit code. Everything a manifest asks for is granted: naming it here is consent. */
export async function run(options: RunOptions, output: Output): Promise<number> {
  const config = await readEngineConfig(options.config)
  const chains = [...config.chains]
  for (const text of options.rpc) {
    const chain = parseRpcOption(text)
    const index = chains.findIndex((each) => each.chainId === chain.chainId)
    if (index >= 0) chains.splice(index, 1)
    chains.push(chain)
  }
  const headless = await createHeadlessEngine({
    version: options.version,
    stateDir: options.stateDir ?? config.stateDir,
    settings: { chains, operator: config.operator },
  })
  const { engine } = headless
  const report = follow(engine, output)
  const ending = watchForEnd()
  let starting: Promise<void> = Promise.resolve()
  let code: number = exitCodes.ok
  try {
    for (const warning of config.warnings) output.warning(warning)
    await engine.start()
    output.line(
      'engine.state',
      { state: 'running', stateDir: engine.stateDir },
      `engine runs, state in ${engine.stateDir}`,
    )
    starting = (async () => {
      for (const bundle of options.bundles) {
        const result = await startBundle(engine, bundle, output, ending)
        code = Math.max(code, result)
      }
    })()
    await Promise.race([starting, ending.promise])
    if (engine.modules.views().length > 0) {
      if (options.forMs !== undefined) ending.endAfter(options.forMs)
      await ending.promise
    }
  } finally {
    ending.finish()
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

async function startBundle(engine: Engine, bundle: string, output: Output, ending: Ending): Promise<number> {
  try {
    if (ending.isOver) return exitCodes.ok
    const request = await engine.modules.inspect(path.resolve(bundle), {})
    if (request.chainsMissing.includes(devnetChainId)) await engine.startDevnet()
    await engine.modules.install(
      request.requestId,
      request.asks.map((ask) => ask.capability),
      true,
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

/** Prints every change of state, every log line and every finished event. */
function follow(engine: Engine, output: Output): { stop: () => void } {
  const states = new Map<string, string>()
  const onModule = (module: ModuleView): void => {
    const { status } = module
    if (states.get(module.name) === `${status.state}/${module.run}`) return
    states.set(module.name, `${status.state}/${module.run}`)
    const error = 'error' in status ? { code: status.error.code, message: status.error.message } : undefined
    output.line(
      'module.state',
      {
        module: module.name,
        state: status.state,
        run: module.run,
        ...(error === undefined ? {} : { error }),
      },
      `${module.name} is ${status.state}${error === undefined ? '' : `: ${error.message}`}`,
    )
  }
  const stops = [
    engine.modules.onStateChange(onModule),
    engine.state.onChange((change: SnapshotChange) => {
      for (const chain of change.chains ?? []) {
        const key = `chain ${chain.config.chainId}`
        if (states.get(key) === chain.status) continue
        states.set(key, chain.status)
        output.line(
          'chain.state',
          { chainId: chain.config.chainId, state: chain.status },
          `${chain.config.name} is ${chain.status}`,
        )
      }
      for (const notice of change.notices ?? []) {
        if (states.has(`notice ${notice.id} ${notice.time}`)) continue
        states.set(`notice ${notice.id} ${notice.time}`, '')
        output.line(
          'notice',
          { id: notice.id, code: notice.error.code, message: notice.error.message },
          notice.error.message,
        )
      }
    }),
    engine.logs.follow({ minLevel: 'info' }, (records) => {
      for (const { module, level, message, run, eventType, chainId, blockNumber, source, event } of records) {
        output.line(
          'module.log',
          {
            module,
            run,
            level,
            message,
            source,
            event,
            event_type: eventType,
            chain_id: chainId,
            block_number: blockNumber,
          },
          `${level.padEnd(5)} ${module ?? 'paddock'}: ${message}`,
        )
      }
    }),
    engine.modules.onAnyDispatch((module, dispatch) => {
      output.line(
        'event.done',
        { module, ...dispatch, error: dispatch.error === null ? undefined : dispatch.error },
        `${module} ${dispatch.eventType} ${dispatch.blockNumber ?? ''} ${dispatch.result} in ${dispatch.durationMs.toFixed(1)} ms`,
      )
    }),
  ]
  return { stop: () => stops.forEach((stop) => stop()) }
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
