import { fileURLToPath } from 'node:url'
import { bundleEntry } from './bundle-entry.mjs'
import { stageImports, stageInterfaces } from './stage-contract.mjs'

const folder = fileURLToPath(new URL('./guest-stage/', import.meta.url))
const library = `${folder}index.ts`

/**
 * Bundles one stage of a flow with everything it imports into one ES module for QuickJS.
 *
 * @param {{ folder: string, source: string }} stage folder of the flow and file of the stage
 * @returns {Promise<{ code: string, exported: string[], hasLifecycle: boolean }>} what its source exports of the contract
 */
export async function bundleStage({ folder: root, source }) {
  let names = []
  const code = await bundleEntry({
    root,
    tsconfig: `${folder}tsconfig.json`,
    source: [
      `import { guardGlobals } from ${JSON.stringify(`${folder}prelude.ts`)}`,
      'guardGlobals()',
      `export * from ${JSON.stringify(source)}`,
    ].join('\n'),
    resolve(id, importer) {
      if (id === 'paddock:stage') return library
      if (stageImports.includes(id)) return { id, external: true }
      if (/^[a-z-]+:[a-z]/.test(id)) {
        throw new Error(`${importer ?? source} imports "${id}", which stages do not have.`)
      }
      return undefined
    },
    onChunk: (chunk) => {
      names = chunk.exports
    },
  })
  const exported = stageInterfaces(names)
  if (exported.length === 0) {
    throw new Error(
      `${source} exports no stage: write export const { processor, lifecycle } = defineTransform({ … }), or another of paddock:stage.`,
    )
  }
  return { code, exported, hasLifecycle: names.includes('lifecycle') }
}
