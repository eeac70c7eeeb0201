/** What an engine is made with. */
import type { Clock } from './clock.ts'
import type { Egress } from './egress/egress.ts'
import type { SandboxLauncher } from './sandboxes/launcher.ts'
import type { SettingsPort } from './settings-port.ts'

/** Built scripts of the processes and threads the engine starts; absolute paths. */
export interface EngineEntries {
  readonly sandbox: string
  readonly compiler: string
  readonly telemetry: string
  readonly storeReader: string
  readonly messageStore: string
  readonly contentStore: string
}

export interface EngineOptions {
  readonly version: string
  readonly stateDir: string
  readonly settings: SettingsPort
  readonly launcher: SandboxLauncher
  readonly entries: EngineEntries
  readonly clock?: Clock
  /** The way out for fetched content; the usual one unless given. */
  readonly egress?: Egress
  /** In [0, 1); jitters backoffs. */
  readonly random?: () => number
}
