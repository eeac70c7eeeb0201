import { build } from 'vite'

const entryName = 'paddock-guest-entry'
const entryId = `\0${entryName}`

/**
 * Bundles a module given as text, with everything it imports, into one ES module for QuickJS.
 *
 * @param {object} options
 * @param {string} options.root folder of the author's module
 * @param {string} options.tsconfig the kit's own: the author's may point to a Paddock that is not there
 * @param {string} options.source text of the module
 * @param {(id: string, importer: string | undefined) => unknown} options.resolve as a plugin's `resolveId`
 * @param {(id: string) => string | undefined} [options.load] text of a module that `resolve` made up
 * @param {(chunk: { exports: string[] }) => void} [options.onChunk] told about the result
 * @returns {Promise<string>}
 */
export async function bundleEntry({ root, tsconfig, source, resolve, load, onChunk }) {
  const plugin = {
    name: 'paddock-guest',
    enforce: 'pre',
    // The bundler has made a path of the entry's name.
    resolveId: (id, importer) => (id.endsWith(entryName) ? entryId : resolve(id, importer)),
    load: (id) => (id === entryId ? source : load?.(id)),
  }
  const result = await build({
    configFile: false,
    tsconfig,
    logLevel: 'silent',
    root,
    publicDir: false,
    plugins: [plugin],
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: entryName, formats: ['es'], fileName: 'guest' },
      rollupOptions: { output: { codeSplitting: false } },
    },
  })
  const outputs = [result].flat().flatMap((part) => part.output)
  const chunks = outputs.filter((part) => part.type === 'chunk')
  if (chunks.length !== 1) throw new Error(`${root}: expected one bundle, got ${chunks.length} chunks.`)
  onChunk?.(chunks[0])
  return chunks[0].code
}
