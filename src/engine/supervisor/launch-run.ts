/** The sandbox process of one run, wired to its module. */
import { residentLimitBytes } from '../sandboxes/memory-limits.ts'
import { Sandbox } from '../sandboxes/sandbox.ts'
import type { SupervisorOptions } from './supervisor-options.ts'

/** Starts a process for `run`; it listens once `ready` settles. `memoryBytes` is what the guest may hold. */
export function launchRun(options: SupervisorOptions, run: number, memoryBytes: number): Sandbox {
  const generation = options.nextGeneration()
  return new Sandbox({
    launcher: options.launcher,
    entry: options.sandboxEntry,
    serviceName: `paddock-sandbox-${generation}-${options.name}`,
    generation,
    clock: options.clock,
    residentLimitBytes: residentLimitBytes(memoryBytes),
    handlers: {
      onHostCall: (call, bounds) => options.onHostCall(call, run, bounds),
      onLogs: (records, dropped) => options.onLogs(records, dropped, run),
      onProcess: options.onProcess,
      onOutput: (line) => options.onEvent('debug', 'sandbox_output', line),
    },
  })
}
