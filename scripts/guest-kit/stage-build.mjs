import { access, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { compileWorld } from './compile-world.mjs'
import { bundleStage } from './stage-bundle.mjs'
import { nameImports, stageWit, stageWorld } from './stage-contract.mjs'

/** Files that make a folder a flow, the first that is there. */
const flowFiles = ['Torvyn.toml', 'pipeline.toml']

/**
 * The flow file of a folder, or null.
 *
 * @param {string} folder
 */
export async function flowFileOf(folder) {
  for (const name of flowFiles) {
    const file = join(folder, name)
    const isThere = await access(file).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return null
}

/**
 * The stages of a flow's folder: each file directly in `src` is one, `src/parse.ts` becomes `parse.wasm`.
 *
 * @param {string} folder
 * @returns {Promise<{ name: string, source: string, output: string }[]>}
 */
export async function stagesOf(folder) {
  const entries = await readdir(join(folder, 'src'), { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() && /^[a-z0-9][a-z0-9-]*\.ts$/.test(entry.name))
    .map((entry) => basename(entry.name, '.ts'))
    .sort()
    .map((name) => ({
      name,
      source: join(folder, 'src', `${name}.ts`),
      output: join(folder, `${name}.wasm`),
    }))
}

/**
 * Compiles one stage.
 *
 * @param {{ folder: string, source: string, output: string }} stage
 * @returns {Promise<{ output: string, byteLength: number }>}
 */
export async function buildStage({ folder, source, output }) {
  const { code, ...world } = await bundleStage({ folder, source })
  const wit = await stageWit(world)
  const byteLength = await compileWorld({
    wit,
    world: stageWorld,
    code,
    output,
    finish: async (component) => nameImports(component),
  })
  return { output, byteLength }
}

/**
 * Compiles every stage of a flow's folder into it.
 *
 * @param {string} folder
 * @returns {Promise<{ output: string, byteLength: number }[]>}
 */
export async function buildStages(folder) {
  const stages = await stagesOf(folder)
  if (stages.length === 0)
    throw new Error(`${join(folder, 'src')} has no stages: each src/<stage>.ts is one.`)
  const built = []
  for (const { source, output } of stages) built.push(await buildStage({ folder, source, output }))
  return built
}
