/** What `paddock run` prints while it runs. */
import type { SnapshotChange } from '../shared/domain/engine.ts'
import type { LogRecord } from '../shared/domain/log.ts'
import type { ModuleView } from '../shared/domain/module.ts'
import type { Operator } from '../shared/domain/operator/operator.ts'
import type { Engine } from '../engine/engine.ts'
import { engineLogLevel, guestLogLevel, isAtLeast } from '../engine/telemetry/log-thresholds.ts'
import type { Output } from './output.ts'

/** Prints every change of state, every log line and every finished event. */
export function follow(engine: Engine, operator: Operator, output: Output): { stop: () => void } {
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
    engine.logs.follow({}, (records) => {
      for (const record of records) {
        if (!isWanted(record, operator)) continue
        const { module, level, message, run, eventType, chainId, blockNumber, source, event } = record
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
            span_id: record.span,
            code: record.code,
            domain: record.domain,
            error_kind: record.kind,
            latency_ms: record.latencyMs,
            timestamp: new Date(record.time).toISOString(),
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

function isWanted({ level, source, module }: LogRecord, operator: Operator): boolean {
  const minimum =
    source === 'engine' || module === null ? engineLogLevel(operator) : guestLogLevel(operator, module)
  return isAtLeast(level, minimum)
}
