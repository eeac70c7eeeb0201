import type { LogHub } from '../engine/telemetry/log-hub.ts'

/** Prints what modules and engine log, one line each; for starts without a display. */
export function printLogs(logs: LogHub, output: NodeJS.WritableStream): void {
  logs.follow({ minLevel: 'info' }, (records) => {
    for (const record of records) {
      const time = new Date(record.time).toISOString().slice(11, 23)
      const node = record.node === undefined ? '' : `[${record.node}] `
      output.write(
        `${time} ${record.level.padEnd(5)} ${(record.module ?? 'paddock').padEnd(16)} ${node}${record.message}\n`,
      )
    }
  })
}
