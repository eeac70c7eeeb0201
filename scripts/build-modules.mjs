// Compiles the example modules under modules/ whose sources changed since the last time.
import { access, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildModule } from './guest-kit/build-module.mjs'
import { readManifest } from './guest-kit/manifest.mjs'
import { buildStage, flowFileOf, stagesOf } from './guest-kit/stage-build.mjs'
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
    folders.map(async (folder) => {
      if ((await flowFileOf(folder)) !== null) return true
      return Promise.any(['paddock.toml', 'tool.toml'].map((name) => access(join(folder, name)))).then(
        () => true,
        () => false,
      )
    }),
  )
  return folders.filter((_, index) => present[index]).sort()
}

/** The parts of a folder that are built: a module is one, a flow has one for each stage. */
async function partsOf(folder) {
  if ((await flowFileOf(folder)) !== null) {
    return (await stagesOf(folder)).map(({ name, source, output }) => ({
      stamp: `${basename(folder)}.${name}`,
      sources: [join(folder, 'src')],
      output,
      build: () => buildStage({ folder, source, output }),
    }))
  }
  const manifest = await readManifest(folder)
  return [
    {
      stamp: manifest.name,
      sources: [join(folder, 'src'), await manifestFile(folder)],
      output: join(folder, manifest.output),
      build: () => buildModule({ folder }),
    },
  ]
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
    ...['streaming', 'filtering', 'aggregation'].map((name) => join(root, 'resources/wit', `torvyn-${name}`)),
    ...['componentize-qjs', '@bytecodealliance/jco-transpile', 'vite'].map((name) =>
      join(root, 'node_modules', name, 'package.json'),
    ),
  ]
  const results = []
  for (const folder of await moduleFolders(root)) {
    const started = performance.now()
    const parts = await partsOf(folder)
    let built = false
    for (const { stamp, sources, output, build } of parts) {
      const inputs = await digestOf(root, [...sources, ...tools])
      const ran = await buildIfChanged({
        stamp: join(root, '.cache/modules', `${stamp}.stamp`),
        inputs,
        output,
        build,
      })
      built ||= ran
    }
    const name = parts.length === 1 ? parts[0].stamp : basename(folder)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    log(built ? `module ${name}: built in ${seconds} s` : `module ${name}: up to date`)
    results.push({ name, output: parts.length === 1 ? parts[0].output : folder, built })
  }
  return results
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await buildModules({ log: (line) => console.log(line) })
}
