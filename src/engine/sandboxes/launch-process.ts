/** Starts a sandbox process that a contract brings by itself. */
import { PaddockError } from '../../shared/errors.ts'
import type { Clock } from '../clock.ts'
import type { SandboxLauncher } from './launcher.ts'
import { Sandbox, type SandboxHandlers } from './sandbox.ts'

export interface ProcessRequest {
  /** What it is for; part of the process's name. */
  readonly purpose: string
  readonly residentLimitBytes: number
  /** Its guest threads are begun one by one (`Sandbox.openThread`). */
  readonly shared: boolean
  readonly handlers: Partial<SandboxHandlers>
}

export interface ProcessMeans {
  readonly launcher: SandboxLauncher
  readonly sandboxEntry: string
  readonly nextGeneration: () => number
  readonly clock: Clock
}

/** Never throws: a failed launch is the process's end. `owner` is the module or namespace it is for. */
export function launchProcess(means: ProcessMeans, owner: string, request: ProcessRequest): Sandbox {
  const generation = means.nextGeneration()
  return new Sandbox({
    launcher: means.launcher,
    entry: means.sandboxEntry,
    serviceName: `paddock-${request.purpose}-${generation}-${owner}`,
    generation,
    clock: means.clock,
    residentLimitBytes: request.residentLimitBytes,
    shared: request.shared,
    handlers: {
      onHostCall: () => Promise.reject(new PaddockError('internal.bug', 'Nobody answers host calls.')),
      onLogs: () => undefined,
      onProcess: () => undefined,
      onOutput: () => undefined,
      ...request.handlers,
    },
  })
}
