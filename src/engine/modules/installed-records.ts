import type { InstalledModule } from '../../shared/domain/settings.ts'
import { toErrorReport } from '../../shared/errors.ts'
import type { SettingsPort } from '../settings-port.ts'
import type { StateHub } from '../state-hub.ts'

/**
 * What is installed, in the settings. A file that cannot be written is told, and does not keep a module
 * from running: what was said holds until Paddock ends.
 */
export class InstalledRecords {
  private readonly settings: SettingsPort
  private readonly state: StateHub

  constructor(settings: SettingsPort, state: StateHub) {
    this.settings = settings
    this.state = state
  }

  all(): readonly InstalledModule[] {
    return this.settings.get().modules
  }

  /** Adds the record, or puts it in the place of the one of its name. */
  save(record: InstalledModule): void {
    const records = this.all()
    const known = records.some((each) => each.name === record.name)
    this.put(
      known ? records.map((each) => (each.name === record.name ? record : each)) : [...records, record],
    )
  }

  remove(name: string): void {
    this.put(this.all().filter((record) => record.name !== name))
  }

  private put(modules: readonly InstalledModule[]): void {
    const { settings, state } = this
    try {
      settings.set({ ...settings.get(), modules: [...modules] })
      state.clear('settings unwritable')
    } catch (error) {
      state.raise('settings unwritable', 'warn', { kind: 'settings' }, toErrorReport(error))
    }
  }
}
