import type { Preferences } from '../../shared/domain/settings.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

/** Only to paint the first frame right; the main process holds the setting. */
const paintKey = 'paddock.paint'

type Painted = 'dark' | 'light'

function systemTheme(): Painted {
  return window.matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'
}

function paint(theme: Preferences['theme'], density: Preferences['density']): void {
  const root = document.documentElement
  root.dataset['theme'] = theme === 'system' ? systemTheme() : theme
  root.dataset['density'] = density
}

/** Sets theme and density as they were last, before the main process answered. */
export function paintRemembered(): void {
  const [theme, density] = (localStorage.getItem(paintKey) ?? '').split(' ')
  paint(
    theme === 'dark' || theme === 'light' ? theme : 'system',
    density === 'compact' || density === 'comfortable' ? density : 'regular',
  )
}

/** Theme and density, as the operator set them. */
export class PreferenceState {
  theme = $state<Preferences['theme']>('system')
  density = $state<Preferences['density']>('regular')
  /** What the screen shows, once "system" is resolved. */
  painted = $state<Painted>('dark')
  error = $state.raw<ErrorReport | null>(null)

  readonly #client: PaddockClient

  constructor(client: PaddockClient) {
    this.#client = client
  }

  start(): () => void {
    const query = window.matchMedia('(prefers-color-scheme: light)')
    const repaint = (): void => this.#show(this)
    query.addEventListener('change', repaint)
    void this.#load()
    return () => query.removeEventListener('change', repaint)
  }

  async set(change: Partial<Preferences>): Promise<void> {
    this.#show({ theme: this.theme, density: this.density, ...change })
    try {
      this.#show(await this.#client.preferences.set(change))
      this.error = null
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    }
  }

  /** The title bar's switch: the other of the two themes on screen. */
  toggleTheme(): Promise<void> {
    return this.set({ theme: this.painted === 'dark' ? 'light' : 'dark' })
  }

  async #load(): Promise<void> {
    try {
      this.#show(await this.#client.preferences.get())
    } catch (thrown) {
      this.error = toErrorReport(thrown)
    }
  }

  #show(preferences: Preferences): void {
    this.theme = preferences.theme
    this.density = preferences.density
    paint(this.theme, this.density)
    this.painted = this.theme === 'system' ? systemTheme() : this.theme
    localStorage.setItem(paintKey, `${this.theme} ${this.density}`)
  }
}
