import type { Settings } from '../shared/domain/settings.ts'

/** Where the engine finds and leaves what the operator set; the window keeps it on disk, a headless run in memory. */
export interface SettingsPort {
  get(): Settings
  /** Replaces everything. Throws `settings.unwritable`; the new value then still holds in memory. */
  set(next: Settings): void
}

/** Settings that last as long as the process. */
export function memorySettings(initial: Settings): SettingsPort {
  let current = initial
  return {
    get: () => current,
    set(next) {
      current = next
    },
  }
}
