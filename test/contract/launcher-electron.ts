/** An Electron app that does nothing but run the launcher contract on `utilityProcess`, one case at a time when asked. */
import { app } from 'electron'
import { UtilityLauncher } from '../../src/main/utility-launcher.ts'
import { launcherCases } from './launcher-cases.ts'

const child = process.env['PADDOCK_LAUNCHER_CHILD'] ?? ''

/** Answers why the case failed, or null. */
async function runCase(name: string): Promise<string | null> {
  const found = cases.find((each) => each.name === name)
  if (found === undefined) return `There is no case "${name}".`
  try {
    await found.run()
    return null
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

const launcher = new UtilityLauncher()
const cases = launcherCases(() => launcher, child)
Object.assign(globalThis, { runLauncherCase: runCase })
app.on('window-all-closed', () => undefined)
