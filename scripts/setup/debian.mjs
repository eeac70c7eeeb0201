import { existsSync } from 'node:fs'
import { step } from './progress.mjs'
import { capture, mustRun, SetupError } from './run.mjs'

const aptGet = '/usr/bin/apt-get'
const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }

/** Installs Debian packages when this is root on a machine with apt-get; else names the command in one line. */
export async function installOrName(purpose, packages) {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !existsSync(aptGet)) {
    const sudo = existsSync(aptGet) ? 'sudo ' : ''
    const elsewhere = existsSync(aptGet) ? '' : ' (or the packages that your system has in their place)'
    throw new SetupError(`${purpose}, system packages are missing. Run: ${sudo}${command}${elsewhere}`)
  }
  await step(`Installing system packages: ${packages.join(' ')}`, async (report) => {
    await mustRun('apt-get update', aptGet, ['update'], { env: environment, onOutput: report })
    const names = await Promise.all(packages.map(available))
    const args = ['install', '-y', '--no-install-recommends', ...names]
    await mustRun('apt-get install', aptGet, args, { env: environment, onOutput: report })
  })
}

/** Since the change to 64-bit time some packages carry a suffix: `libgtk-3-0t64`. */
async function available(name) {
  const { code } = await capture('apt-cache', ['show', '--no-all-versions', name])
  if (code === 0) return name
  const renamed = await capture('apt-cache', ['show', '--no-all-versions', `${name}t64`])
  return renamed.code === 0 ? `${name}t64` : name
}
