import { randomUUID } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { componentize } from 'componentize-qjs'
import { bundleGuest } from './bundle.mjs'
import { contractOf, deriveWit, innerWorld, readContract } from './contracts.mjs'
import { readManifest } from './manifest.mjs'
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
  const source = await bundleGuest({
    folder,
    name: manifest.name,
    contract,
    capabilities: manifest.capabilities,
  })
  const output = resolve(options.output ?? join(folder, manifest.output))

  const work = await mkdtemp(join(tmpdir(), 'paddock-guest-'))
  try {
    const witPath = join(work, 'guest.wit')
    await writeFile(witPath, wit)
    const { component } = await componentize({
      witPath,
      world: innerWorld,
      jsSource: source,
      sync: true,
      stubWasi: true,
    })
    // What stands in an interface needs no wrapping: nothing of the componentizer's own has a name there.
    const wrapped = contract.exportedInterface === null ? await wrapGuest(component, wit) : component
    // A reader must never see half a component, nor two builds each other's.
    const part = `${output}.${randomUUID()}.part`
    await writeFile(part, wrapped)
    await rename(part, output)
    return { name: manifest.name, output, byteLength: wrapped.byteLength }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
