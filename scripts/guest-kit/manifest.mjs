import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { toolContract } from './contracts.mjs'

const exists = (file) =>
  access(file).then(
    () => true,
    () => false,
  )
const isOutput = (name) => typeof name === 'string' && /^[A-Za-z0-9._-]+\.wasm$/.test(name)

/**
 * Reads what the build needs of a module's manifest; the engine checks the rest when it loads the module.
 *
 * @param {string} folder the module's folder
 */
export async function readManifest(folder) {
  const file = join(folder, 'paddock.toml')
  if (!(await exists(file)) && (await exists(join(folder, 'tool.toml')))) return readToolManifest(folder)
  const document = parse(await readFile(file, 'utf8'))
  const name = document.module?.name
  if (typeof name !== 'string' || name.trim() === '') throw new Error(`${file}: [module] name is missing.`)
  const output = document.module?.component ?? 'module.wasm'
  if (!isOutput(output)) {
    throw new Error(`${file}: [module] component must be the name of a .wasm file in the module's folder.`)
  }
  if (document.contract?.schema === 'tool.v1') return toolManifest(name, output)
  const lists = [document.capabilities?.required ?? [], document.capabilities?.optional ?? []]
  const capabilities = lists.flat()
  if (!lists.every(Array.isArray) || !capabilities.every((entry) => typeof entry === 'string')) {
    throw new Error(`${file}: [capabilities] required and optional must be lists of names.`)
  }
  // What a decider calls itself (`[contract] identity`), null for modules of other contracts.
  const identity = document.contract?.identity ?? null
  // The world it is for where its capabilities do not tell (`[contract] world = "query-module"`).
  const world = document.contract?.world ?? null
  return { name, output, capabilities: [...new Set(capabilities)].sort(), identity, world }
}

/** A tool's own manifest (`tool.toml`). */
async function readToolManifest(folder) {
  const file = join(folder, 'tool.toml')
  const { id, component } = parse(await readFile(file, 'utf8'))
  if (typeof id !== 'string' || !isOutput(component)) {
    throw new Error(`${file}: id and component must name the tool and a .wasm file in its folder.`)
  }
  return toolManifest(id, component)
}

/** Every tool imports the one interface of its host; what it may reach is declared, not imported. */
function toolManifest(name, output) {
  return { name, output, capabilities: ['host'], identity: null, world: toolContract }
}
