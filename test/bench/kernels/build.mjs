// Compiles kernels.as to .cache/bench-kernels.wasm.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

const root = join(import.meta.dirname, '../../..')
const source = await readFile(join(import.meta.dirname, 'kernels.as'), 'utf8')
const written = new Map()
const options = ['-O3', '--runtime', 'stub', '--enable', 'bulk-memory', '--outFile', 'kernels.wasm']
const { error, stderr } = await asc.main(['kernels.ts', ...options], {
  readFile: (name) => (name === 'kernels.ts' ? source : null),
  writeFile: (name, contents) => written.set(name, contents),
  listFiles: () => [],
})
if (error) throw new Error(`${error.message}\n${stderr.toString()}`)
await mkdir(join(root, '.cache'), { recursive: true })
await writeFile(join(root, '.cache/bench-kernels.wasm'), written.get('kernels.wasm'))
