/**
 * Safe mode: after two unclean starts in a row a module may be what brings the engine down, so none is started by
 * itself, and the operator is told (style 4).
 */
import { PaddockError } from '../shared/errors.ts'
import type { Clock } from './clock.ts'
import { StartRecord } from './start-record.ts'
import type { StateHub } from './state-hub.ts'

const notice = 'safe mode'

export class SafeMode {
  private readonly starts: StartRecord
  private readonly state: StateHub
  private active = false

  constructor(file: string, state: StateHub) {
    this.starts = new StartRecord(file)
    this.state = state
  }

  get isOn(): boolean {
    return this.active
  }

  /** Notes the start; answers what to tell when it is a safe one. Never rejects. */
  async begin(clock: Clock): Promise<PaddockError | null> {
    try {
      const { safeMode } = await this.starts.begin(clock)
      this.active = safeMode
    } catch (cause) {
      // Without the note a start cannot be doubted later; that must not keep this one from succeeding.
      const error = new PaddockError(
        'state.unwritable',
        'This start could not be noted in the state directory.',
        { cause },
      )
      this.state.raise('starts', 'warn', { kind: 'engine' }, error.toReport())
    }
    if (!this.active) return null
    const error = new PaddockError(
      'state.safe_mode',
      'Paddock ended badly at its last two starts, so no module was started: safe mode.',
    )
    this.state.raise(notice, 'error', { kind: 'engine' }, error.toReport())
    this.state.note('warn', 'Paddock', 'safe_mode', error.message)
    return error
  }

  /** Answers whether it was on. */
  leave(): boolean {
    const wasOn = this.active
    this.active = false
    this.state.clear(notice)
    return wasOn
  }

  /** The engine shut down in order. */
  end(): Promise<void> {
    return this.starts.end()
  }
}
