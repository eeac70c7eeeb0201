import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { actorEntry, actorLibrary, actorTsconfig, undeclaredInterface } from './actor-bundle.mjs'
import { bundleEntry } from './bundle-entry.mjs'
import { deciderEntry, deciderLibrary, deciderTsconfig } from './decider-bundle.mjs'
import { innerInterface, interfaceName } from './contracts.mjs'
import { isToolContract, toolEntry, toolLibrary, toolTsconfig } from './tool-bundle.mjs'

const library = fileURLToPath(new URL('./guest/index.ts', import.meta.url))
const prelude = fileURLToPath(new URL('./guest/prelude.ts', import.meta.url))
const guestTsconfig = fileURLToPath(new URL('./guest/tsconfig.json', import.meta.url))

function camelCase(name) {
  return name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase())
}

function isDecider(contract) {
  return contract.packageId.startsWith('trogon:decider@')
}

function tsconfigOf(contract) {
  if (isDecider(contract)) return deciderTsconfig
  if (isToolContract(contract)) return toolTsconfig
  return contract.exportedInterface === null ? guestTsconfig : actorTsconfig
}

/** The module around the author's: it hands out the exports under the private interface. */
function entrySource(source, contract, name, capabilities) {
  if (isDecider(contract)) return deciderEntry(source)
  if (isToolContract(contract)) return toolEntry(source)
  if (contract.exportedInterface !== null) return actorEntry(source, contract, capabilities)
  const logging = capabilities.includes('logging')
  const functions = contract.exports.map(({ name: exported }) => camelCase(exported))
  return [
    logging ? `import { log } from '${interfaceName(contract, 'logging')}'` : '',
    `import { guardGlobals, guarded } from ${JSON.stringify(prelude)}`,
    `guardGlobals(${logging ? 'log' : '() => undefined'})`,
    `import { ${functions.join(', ')} } from ${JSON.stringify(source)}`,
    `export const ${innerInterface} = {`,
    ...functions.map((id) => `  ${id}: guarded(${JSON.stringify(name)}, ${id}),`),
    '}',
  ].join('\n')
}

/**
 * Bundles a module's `src/index.ts` with everything it imports into one ES module for QuickJS.
 *
 * @returns {Promise<string>} the JavaScript text; it imports nothing but the declared capabilities
 */
export async function bundleGuest({ folder, name, contract, capabilities }) {
  const source = join(folder, 'src', 'index.ts')
  const hostPrefix = `${contract.packageId.split('@')[0]}/`
  const declared = new Set(capabilities.map((capability) => interfaceName(contract, capability)))
  return bundleEntry({
    root: folder,
    tsconfig: tsconfigOf(contract),
    source: entrySource(source, contract, name, capabilities),
    resolve(id, importer) {
      if (id === 'paddock:guest') return library
      if (id === 'paddock:decider' && isDecider(contract)) return deciderLibrary
      if (id === 'paddock:tool' && isToolContract(contract)) return toolLibrary
      if (id === 'paddock:actor' && contract.exportedInterface !== null) return actorLibrary
      if (declared.has(id)) return { id, external: true }
      // The library offers everything; what was not declared says so when it is used.
      if (id.startsWith(hostPrefix) && undeclaredInterface.isImporter(importer))
        return undeclaredInterface.idOf(id)
      if (id.startsWith(hostPrefix) || /^[a-z-]+:/.test(id)) {
        const known = [...declared].join(', ') || 'nothing'
        throw new Error(
          `${importer ?? source} imports "${id}", but the manifest's [capabilities] grants ${known}.`,
        )
      }
      return undefined
    },
    load: (id) => (undeclaredInterface.isId(id) ? undeclaredInterface.source(id) : undefined),
  })
}
