/** Which log lines the operator wants (spec nexum-host 5.3 `engine.log_level`, `logging.module_level`). */
import { parseLogThresholds, type LogThresholds } from '../../shared/domain/operator/log-levels.ts'
import type { Operator } from '../../shared/domain/operator/operator.ts'
import { logLevels, type LogLevel } from '../../shared/domain/primitives.ts'

const usual: LogThresholds = { level: 'info', scopes: new Map() }

/** The level from which lines of a module are kept. Its own scope wins, then `logging.module_level`, then the level for all. */
export function guestLogLevel({ engine, logging }: Operator, module: string): LogLevel {
  const { level, scopes } = parseLogThresholds(engine.logLevel) ?? usual
  return scopes.get(module) ?? logging.moduleLevel ?? level
}

/** The level from which lines of the engine itself are kept; their scope is `engine`. */
export function engineLogLevel({ engine }: Operator): LogLevel {
  const { level, scopes } = parseLogThresholds(engine.logLevel) ?? usual
  return scopes.get('engine') ?? level
}

export function isAtLeast(level: LogLevel, minimum: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(minimum)
}
