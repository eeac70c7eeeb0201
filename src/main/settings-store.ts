/** Settings on disk, by electron-store; a file that does not hold is kept aside and the operator told (S26). */
// eslint-disable-next-line no-restricted-imports -- read once at start-up, before there is a window to block
import { existsSync, readFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import ElectronStore from 'electron-store'
import type { SettingsPort } from '../engine/settings-port.ts'
import { settingsSchema, type Settings } from '../shared/domain/settings.ts'
import { PaddockError, type ErrorReport } from '../shared/errors.ts'

export interface OpenedSettings {
  readonly port: SettingsPort
  /** Set when the file could not be used. */
  readonly warning: ErrorReport | null
}

const fileName = 'settings'

/** Opens `<directory>/settings.json`. Start-up only: it reads synchronously, before the window. */
export function openSettings(directory: string, now: number): OpenedSettings {
  const file = path.join(directory, `${fileName}.json`)
  const warning = setAsideIfBroken(file, now)
  const store = new ElectronStore<Settings>({
    cwd: directory,
    name: fileName,
    defaults: settingsSchema.parse({}),
    clearInvalidConfig: false,
  })
  let current = settingsSchema.parse(store.store)
  return {
    warning,
    port: {
      get: () => current,
      set(next) {
        current = settingsSchema.parse(next)
        try {
          store.store = current
        } catch (cause) {
          throw new PaddockError(
            'settings.unwritable',
            'The settings could not be saved; they hold until Paddock ends.',
            {
              cause,
            },
          )
        }
      },
    },
  }
}

function setAsideIfBroken(file: string, now: number): ErrorReport | null {
  if (!existsSync(file)) return null
  const reason = whyBroken(file)
  if (reason === null) return null
  const aside = `${file}.corrupt-${now}`
  renameSync(file, aside)
  return new PaddockError('settings.corrupt', `The settings could not be used (${reason}).`, {
    remedy: `The file was kept as ${path.basename(aside)} in the settings folder; defaults hold now.`,
  }).toReport()
}

function whyBroken(file: string): string | null {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return 'not JSON'
  }
  const parsed = settingsSchema.safeParse(content)
  if (parsed.success) return null
  const [issue] = parsed.error.issues
  return issue === undefined ? 'wrong shape' : `"${issue.path.map(String).join('.')}": ${issue.message}`
}
