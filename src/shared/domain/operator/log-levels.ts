import { logLevels, type LogLevel } from '../primitives.ts'

/** Which lines are kept: one level for all, and other levels for some scopes (a module's name or `engine`). */
export interface LogThresholds {
  readonly level: LogLevel
  readonly scopes: ReadonlyMap<string, LogLevel>
}

/**
 * Reads `level` or `level,scope=level,…` (spec nexum-host 5.3 `engine.log_level`). Answers null where the text is
 * neither.
 */
export function parseLogThresholds(text: string): LogThresholds | null {
  let level: LogLevel | null = null
  const scopes = new Map<string, LogLevel>()
  for (const [index, part] of text.split(',').entries()) {
    const separator = part.lastIndexOf('=')
    const value = part.slice(separator + 1).trim()
    if (!isLogLevel(value)) return null
    if (separator >= 0) {
      const scope = part.slice(0, separator).trim()
      if (scope === '' || scopes.has(scope)) return null
      scopes.set(scope, value)
    } else if (index === 0) level = value
    else return null
  }
  return { level: level ?? 'info', scopes }
}

function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}
