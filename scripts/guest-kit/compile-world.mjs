import { randomUUID } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { componentize } from 'componentize-qjs'

/**
 * Compiles JavaScript with QuickJS for a world, without WASI, and writes the component.
 *
 * @param {object} options
 * @param {string} options.wit text with the world
 * @param {string} options.world
 * @param {string} options.code one ES module
 * @param {string} options.output file of the component
 * @param {(component: Uint8Array) => Promise<Uint8Array>} options.finish the last work on it
 * @returns {Promise<number>} bytes of the component
 */
export async function compileWorld({ wit, world, code, output, finish }) {
  const work = await mkdtemp(join(tmpdir(), 'paddock-guest-'))
  try {
    const witPath = join(work, 'guest.wit')
    await writeFile(witPath, wit)
    const { component } = await componentize({ witPath, world, jsSource: code, sync: true, stubWasi: true })
    const finished = await finish(component)
    // A reader must never see half a component, nor two builds each other's.
    const part = `${output}.${randomUUID()}.part`
    await writeFile(part, finished)
    await rename(part, output)
    return finished.byteLength
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
