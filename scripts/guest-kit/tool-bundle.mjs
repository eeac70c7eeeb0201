import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('./guest-tool/', import.meta.url))

/** What `paddock:tool` stands for. */
export const toolLibrary = `${folder}index.ts`
export const toolTsconfig = `${folder}tsconfig.json`

/** Whether the contract is that of tools, which import their one interface whatever they declare. */
export function isToolContract(contract) {
  return contract.packageId.startsWith('near:agent@')
}

/** The module around a tool: its globals come from the host, its one export is handed on. */
export function toolEntry(source) {
  return [
    `import { guardGlobals } from ${JSON.stringify(`${folder}prelude.ts`)}`,
    'guardGlobals()',
    `export { tool } from ${JSON.stringify(source)}`,
  ].join('\n')
}
