import { installOrName } from './debian.mjs'
import { needsVirtualDisplay } from './display.mjs'
import { capture } from './run.mjs'

const libraries = [
  'libgtk-3-0',
  'libnss3',
  'libasound2',
  'libgbm1',
  'libxss1',
  'libatk-bridge2.0-0',
  'libxtst6',
  'libdrm2',
  'libsecret-1-0',
  'libnotify4',
  'fonts-dejavu-core',
]

/** Provides, on Linux, the shared libraries that this Electron links to and a virtual display where there is no real one. */
export async function systemLibraries(executable) {
  if (process.platform !== 'linux') return
  const missing = []
  const linked = await capture('ldd', [executable])
  if (/not found/.test(linked.output)) missing.push(...libraries)
  if (needsVirtualDisplay() && (await capture('sh', ['-c', 'command -v Xvfb'])).code !== 0)
    missing.push('xvfb')
  if (missing.length > 0) await installOrName('To open a window', missing)
}
