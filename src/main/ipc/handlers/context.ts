/** What the handlers of the console's calls work with. */
import type { BrowserWindow } from 'electron'
import type { Engine } from '../../../engine/engine.ts'
import type { SettingsPort } from '../../../engine/settings-port.ts'

export interface HandlerContext {
  readonly engine: Engine
  readonly settings: SettingsPort
  readonly window: () => BrowserWindow | null
  readonly onPreferences: () => void
  readonly emitProgress: (token: string, step: string, fraction: number | null) => void
}

/** Without the keys whose value is undefined, which a schema's partial leaves in. */
export function definedOnly<T extends object>(change: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
