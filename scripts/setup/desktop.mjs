import { electron } from './electron.mjs'
import { sandboxSwitches } from './chromium-sandbox.mjs'
import { sqlite } from './sqlite.mjs'
import { systemLibraries } from './system-libraries.mjs'

/** Everything that a window needs besides the build: `{ executable, switches }` of an Electron that starts here. */
export async function desktop() {
  const { executable, folder, version } = await electron()
  await systemLibraries(executable)
  await sqlite(version)
  return { executable, switches: await sandboxSwitches(folder) }
}
