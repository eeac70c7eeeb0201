import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { interfaceName } from './contracts.mjs'

const folder = fileURLToPath(new URL('./guest-actor/', import.meta.url))
const prelude = `${folder}prelude.ts`
const prefix = '\0undeclared:'

/** What `paddock:actor` stands for. */
export const actorLibrary = `${folder}index.ts`
export const actorTsconfig = `${folder}tsconfig.json`

/** The functions the library names, by interface. */
const functions = {
  database: [
    'exec',
    'execute',
    'executeWrite',
    'batch',
    'begin',
    'commit',
    'rollback',
    'inTransaction',
    'info',
  ],
  'key-value': ['get', 'set', 'delete', 'keys'],
}

/** The module around an actor: its globals come from the host, its exports are guarded. */
export function actorEntry(source, contract, capabilities) {
  const given = (capability, name, alias) =>
    capabilities.includes(capability)
      ? `import { ${name} as ${alias} } from '${interfaceName(contract, capability)}'`
      : `const ${alias} = null`
  return [
    `import { guardGlobals, guardedLifecycle } from ${JSON.stringify(prelude)}`,
    given('logging', 'log', 'hostLog'),
    given('clock', 'nowMs', 'hostNow'),
    given('entropy', 'bytes', 'hostBytes'),
    `guardGlobals({ log: hostLog, nowMs: hostNow, bytes: hostBytes })`,
    `import { lifecycle as given } from ${JSON.stringify(source)}`,
    `export const ${contract.exportedInterface} = guardedLifecycle(given)`,
  ].join('\n')
}

/** Stands for interfaces of the library that the manifest does not declare. */
export const undeclaredInterface = {
  isImporter: (importer) => importer !== undefined && dirname(importer) === dirname(actorLibrary),
  idOf: (id) => `${prefix}${id}`,
  isId: (id) => id.startsWith(prefix),
  source(id) {
    const name = id.slice(id.indexOf('/') + 1, id.indexOf('@'))
    const refuse = `const refuse = () => { throw new Error('The manifest does not declare the capability ${name}.') }`
    const names = (functions[name] ?? []).map((each) => `refuse as ${each}`)
    return `${refuse}\nexport { ${names.join(', ')} }`
  },
}
