import type { Clock } from '../../clock.ts'
import type { LogHub } from '../../telemetry/log-hub.ts'
import type { HttpExchange } from './http-capability.ts'

/** One debug line for each exchange, with the host and nothing more of the URL (spec nexum-host 8.8). */
export function logExchanges(
  logs: () => Pick<LogHub, 'append'>,
  clock: Clock,
): (exchange: HttpExchange) => void {
  return ({ module, run, host, outcome, durationMs }) => {
    logs().append([
      {
        time: clock.now(),
        level: 'debug',
        source: 'engine',
        message: `http: ${host} answered ${outcome} in ${Math.round(durationMs)} ms`,
        module,
        run,
        event: 'http_exchange',
      },
    ])
  }
}
