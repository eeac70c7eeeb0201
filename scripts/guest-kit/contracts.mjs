import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

const witRoot = fileURLToPath(new URL('../../resources/wit/', import.meta.url))

/** Package, folder and name of the one private interface behind which a guest is compiled. */
export const innerPackage = 'paddock:guest-build'
export const innerInterface = 'guest'
export const innerWorld = 'guest-inner'
export const outerWorld = 'guest-outer'

/** The contracts a TypeScript module can be written for. */
export const contracts = {
  'nexum:host@0.2.0/event-module': { folder: 'nexum-host', world: 'event-module' },
  'nexum:host@0.2.0/query-module': { folder: 'nexum-host', world: 'query-module' },
  // The event module's world with one interface of another package.
  'shepherd:cow@0.2.0/shepherd': {
    folder: 'nexum-host',
    world: 'event-module',
    foreign: { folder: 'shepherd-cow', name: 'cow-api' },
  },
  'paddock:sql@0.1.0/actor': { folder: 'paddock-sql', world: 'actor' },
  'near:agent@0.4.1/sandboxed-tool': { folder: 'near-agent', world: 'sandboxed-tool' },
  'trogon:decider@0.3.0/decider': { folder: 'trogon-decider', world: 'decider' },
}

export const defaultContract = 'nexum:host@0.2.0/event-module'
export const queryContract = 'nexum:host@0.2.0/query-module'
export const shepherdContract = 'shepherd:cow@0.2.0/shepherd'
export const actorContract = 'paddock:sql@0.1.0/actor'
export const toolContract = 'near:agent@0.4.1/sandboxed-tool'
export const deciderContract = 'trogon:decider@0.3.0/decider'

/** The contract a manifest is for: by what it says of its contract, else by the capabilities it names. */
export function contractOf(capabilities, identity, world = null) {
  if (world === toolContract) return toolContract
  if (identity !== null) return deciderContract
  if (world === 'query-module') return queryContract
  if (capabilities.includes('cow-api')) return shepherdContract
  const ofActors = ['database', 'key-value', 'entropy']
  return capabilities.some((name) => ofActors.includes(name)) ? actorContract : defaultContract
}

/**
 * Reads a contract's WIT folder and answers its package id, its world's parts and all its text.
 *
 * @param {string} id one of the keys of `contracts`
 */
export async function readContract(id) {
  const contract = contracts[id]
  if (contract === undefined) {
    throw new Error(`Unknown contract "${id}". Known: ${Object.keys(contracts).join(', ')}.`)
  }
  const folder = join(witRoot, contract.folder)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.wit')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const packageId = texts[0]?.match(/^package ([^;]+);/m)?.[1]
  const worldText = texts
    .map((text) => text.match(new RegExp(`^world ${contract.world} \\{([\\s\\S]*?)^\\}`, 'm'))?.[1])
    .find((text) => text !== undefined)
  if (packageId === undefined || worldText === undefined) {
    throw new Error(`${folder} does not define world ${contract.world}.`)
  }
  const foreign = await readForeign(contract.foreign)
  return {
    id,
    packageId,
    foreign,
    packageText: texts.map((text) => text.replace(/^package [^;]+;/m, '')).join('\n'),
    uses: worldText.match(/use types\.\{([^}]*)\};/)?.[1] ?? '',
    capabilities: [
      ...[...worldText.matchAll(/^\s*import ([a-z-]+);/gm)].map((match) => match[1] ?? ''),
      ...(foreign === null ? [] : [foreign.name]),
    ],
    exports: [...worldText.matchAll(/^\s*export ([a-z-]+): (func[\s\S]*?;)/gm)].map((match) => ({
      name: match[1] ?? '',
      type: match[2] ?? '',
    })),
    // A world whose functions stand in an interface of the contract's own.
    exportedInterface: worldText.match(/^\s*export ([a-z-]+);/m)?.[1] ?? null,
  }
}

/** The one interface that a world takes from another package, or null. */
async function readForeign(foreign) {
  if (foreign === undefined) return null
  const text = await readFile(join(witRoot, foreign.folder, `${foreign.name}.wit`), 'utf8')
  const [path, version] = (text.match(/^package ([^;]+);/m)?.[1] ?? '').split('@')
  return {
    name: foreign.name,
    interfaceName: `${path}/${foreign.name}@${version}`,
    packageText: `package ${path}@${version} {\n${text.replace(/^package [^;]+;/m, '')}\n}\n`,
  }
}

/** Full import name of one of the contract's interfaces, e.g. `nexum:host/clock@0.2.0`. */
export function interfaceName(contract, name) {
  if (contract.foreign?.name === name) return contract.foreign.interfaceName
  const [path, version] = contract.packageId.split('@')
  return `${path}/${name}@${version}`
}

/**
 * Derives the worlds of one module: they import the declared capabilities only, because every import
 * of a world ends up in a JavaScript component (spec nexum-host 2.4).
 *
 * The inner world exports the contract's functions inside an interface, the outer one at top level.
 */
export function deriveWit(contract, capabilities) {
  const unknown = capabilities.filter((name) => !contract.capabilities.includes(name))
  if (unknown.length > 0) {
    throw new Error(
      `Unknown capability ${unknown.map((name) => `"${name}"`).join(', ')} for ${contract.id}. ` +
        `Known: ${contract.capabilities.join(', ')}.`,
    )
  }
  const importLines = capabilities.map((name) => `  import ${interfaceName(contract, name)};`).join('\n')
  if (contract.exportedInterface !== null) {
    const worlds = [innerWorld, outerWorld].map((world) => {
      return `world ${world} {\n${importLines}\n  export ${interfaceName(contract, contract.exportedInterface)};\n}`
    })
    return `package ${innerPackage};

${worlds.join('\n\n')}

package ${contract.packageId} {
${contract.packageText}
}
`
  }
  const use = `use ${interfaceName(contract, 'types')}.{${contract.uses}};`
  const functions = contract.exports.map(({ name, type }) => `${name}: ${type}`)
  return `package ${innerPackage};

interface ${innerInterface} {
  ${use}
  ${functions.join('\n  ')}
}

world ${innerWorld} {
${importLines}
  export ${innerInterface};
}

world ${outerWorld} {
  ${use}
${importLines}
${functions.map((text) => `  export ${text}`).join('\n')}
}

package ${contract.packageId} {
${contract.packageText}
}
${capabilities.includes(contract.foreign?.name) ? contract.foreign.packageText : ''}`
}
