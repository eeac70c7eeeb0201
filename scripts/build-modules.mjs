// Compiles the example modules under modules/ whose sources changed since the last time.
import { access, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildModule } from './guest-kit/build-module.mjs'
import { readManifest } from './guest-kit/manifest.mjs'
import { buildIfChanged, digestOf } from './stamps.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))

async function manifestFile(folder) {
  const own = join(folder, 'paddock.toml')
  return access(own).then(
    () => own,
    () => join(folder, 'tool.toml'),
  )
}

async function moduleFolders(root) {
  const entries = await readdir(join(root, 'modules'), { withFileTypes: true })
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, 'modules', entry.name))
  const present = await Promise.all(
    folders.map((folder) =>
      Promise.any(['paddock.toml', 'tool.toml'].map((name) => access(join(folder, name)))).then(
        () => true,
        () => false,
      ),
    ),
  )
  return folders.filter((_, index) => present[index]).sort()
}

/**
 * Builds every module under `<root>/modules` into its folder; unchanged ones are left alone.
 *
 * @param {{ root?: string, log?: (line: string) => void }} [options]
 * @returns {Promise<{ name: string, output: string, built: boolean }[]>}
 */
export async function buildModules({ root = repository, log = () => undefined } = {}) {
  const tools = [
    join(root, 'scripts/guest-kit'),
    join(root, 'resources/wit/nexum-host'),
    join(root, 'resources/wit/shepherd-cow'),
    join(root, 'resources/wit/paddock-sql'),
    join(root, 'resources/wit/trogon-decider'),
    join(root, 'resources/wit/near-agent'),
    ...['componentize-qjs', '@bytecodealliance/jco-transpile', 'vite'].map((name) =>
      join(root, 'node_modules', name, 'package.json'),
    ),
  ]
  const results = []
  for (const folder of await moduleFolders(root)) {
    const manifest = await readManifest(folder)
    const output = join(folder, manifest.output)
    const started = performance.now()
    const built = await buildIfChanged({
      stamp: join(root, '.cache/modules', `${manifest.name}.stamp`),
      inputs: await digestOf(root, [join(folder, 'src'), await manifestFile(folder), ...tools]),
      output,
      build: () => buildModule({ folder }),
    })
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    log(built ? `module ${manifest.name}: built in ${seconds} s` : `module ${manifest.name}: up to date`)
    results.push({ name: manifest.name, output, built })
  }
  return results
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await buildModules({ log: (line) => console.log(line) })
}
