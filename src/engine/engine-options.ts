/** What an engine is made with. */
import type { Clock } from './clock.ts'
import type { ToolBroker } from './contracts/tool/broker.ts'
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
  /** The 32 bytes that secrets of tools are encrypted with, asked for when they are needed; secrets cannot be used unless given. */
  readonly dataKey?: () => Promise<Uint8Array>
  /** What tools reach the outside through; a process of the engine's own unless given. */
  readonly toolBroker?: ToolBroker
  /**
   * Variables that flow files may read as `${NAME}`; those named `TORVYN_…` and `PADDOCK_FLOW_…` unless given: a file of
   * somebody else must not read the keys that stand in the environment of a desktop.
   */
  readonly flowEnvironment?: Readonly<Record<string, string | undefined>>
  /** In [0, 1); jitters backoffs. */
  readonly random?: () => number
}
