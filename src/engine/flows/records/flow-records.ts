import type { InstalledFlow } from '../../../shared/domain/settings.ts'
import { toErrorReport } from '../../../shared/errors.ts'
import type { SettingsPort } from '../../settings-port.ts'
import type { StateHub } from '../../state-hub.ts'

/** The flows that were added, in the settings. A file that cannot be written is told and keeps no flow from running. */
export class FlowRecords {
  private readonly settings: SettingsPort
  private readonly state: StateHub

  constructor(settings: SettingsPort, state: StateHub) {
    this.settings = settings
    this.state = state
  }

  all(): readonly InstalledFlow[] {
    return this.settings.get().flows
  }

  /** Adds the record, or puts it in the place of the one of its id. */
  save(record: InstalledFlow): void {
    const records = this.all()
    const isKnown = records.some(({ id }) => id === record.id)
    this.put(isKnown ? records.map((each) => (each.id === record.id ? record : each)) : [...records, record])
  }

  remove(id: string): void {
    this.put(this.all().filter((record) => record.id !== id))
  }

  private put(flows: readonly InstalledFlow[]): void {
    const { settings, state } = this
    try {
      settings.set({ ...settings.get(), flows: [...flows] })
      state.clear('settings unwritable')
    } catch (error) {
      state.raise('settings unwritable', 'warn', { kind: 'settings' }, toErrorReport(error))
    }
  }
}
