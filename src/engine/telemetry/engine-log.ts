import type { LogLevel } from '../../shared/domain/primitives.ts'
import type { Clock } from '../clock.ts'
import type { LogHub } from './log-hub.ts'

const maxMessage = 16_384

export type EngineLog = (level: LogLevel, event: string, message: string, code?: string) => void

/** Writes lines of the engine itself; `event` is their stable name (spec nexum-host 12.6). */
export function engineLog(logs: LogHub, clock: Clock): EngineLog {
  return (level, event, message, code) => {
    logs.append([
      {
        time: clock.now(),
        level,
        source: 'engine',
        message: message.slice(0, maxMessage),
        module: null,
        run: 0,
        event,
        ...(code === undefined ? {} : { code }),
      },
    ])
  }
}
