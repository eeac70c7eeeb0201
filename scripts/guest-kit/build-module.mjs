import { basename, join, resolve } from 'node:path'
import { bundleGuest } from './bundle.mjs'
import { compileWorld } from './compile-world.mjs'
import { contractOf, deriveWit, innerWorld, readContract } from './contracts.mjs'
import { readManifest } from './manifest.mjs'
import { buildStages, flowFileOf } from './stage-build.mjs'
import { wrapGuest } from './wrap.mjs'

/**
 * Compiles a module folder (`paddock.toml`, `src/index.ts`) into the component its manifest names.
 *
 * @param {{ folder: string, contract?: string, output?: string }} options `output` overrides the place of the result
 * @returns {Promise<{ name: string, output: string, byteLength: number }>}
 */
export async function buildModule(options) {
  const folder = resolve(options.folder)
  const manifest = await readManifest(folder)
  const contract = await readContract(
    options.contract ?? contractOf(manifest.capabilities, manifest.identity, manifest.world),
  )
  const wit = deriveWit(contract, manifest.capabilities)
  const code = await bundleGuest({
    folder,
    name: manifest.name,
    contract,
    capabilities: manifest.capabilities,
  })
  const output = resolve(options.output ?? join(folder, manifest.output))
  const byteLength = await compileWorld({
    wit,
    world: innerWorld,
    code,
    output,
    // What stands in an interface needs no wrapping: nothing of the componentizer's own has a name there.
    finish: async (component) =>
      contract.exportedInterface === null ? wrapGuest(component, wit) : component,
  })
  return { name: manifest.name, output, byteLength }
}

/**
 * Compiles whatever a folder holds: a module, or each stage of a flow (`Torvyn.toml` or `pipeline.toml`).
 *
 * @param {{ folder: string, contract?: string }} options
 * @returns {Promise<{ name: string, output: string, byteLength: number }[]>}
 */
export async function buildFolder(options) {
  const folder = resolve(options.folder)
  if ((await flowFileOf(folder)) === null) return [await buildModule(options)]
  const stages = await buildStages(folder)
  return stages.map(({ output, byteLength }) => ({ name: basename(folder), output, byteLength }))
}
