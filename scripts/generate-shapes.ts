/**
 * Writes src/engine/contracts/shapes.generated.ts: the shape of every world in resources/wit, as our own
 * reader sees it in a component that wasm-tools makes of it. Run with Node 26: node scripts/generate-shapes.ts
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools'
import { readWorld } from '../src/engine/compiler/reader/read-world.ts'
import type { WorldShape } from '../src/shared/component/world.ts'
import { readWitSource } from './wit-source.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
export const shapesPath = join(root, 'src/engine/contracts/shapes.generated.ts')

const header = `/** Written by scripts/generate-shapes.ts from resources/wit; not to be edited. */
import type { WorldShape } from '../../shared/component/world.ts'

/** The shape of every world in resources/wit, by package, world and version. */
// prettier-ignore
export const generatedShapes: Readonly<Record<string, WorldShape>> = {
`

/** The generated text: one world a line, keyed by `package/world@version`. */
export async function generateShapes(): Promise<string> {
  const lines: string[] = []
  for (const name of readdirSync(join(root, 'resources/wit')).sort()) {
    const source = readWitSource(join(root, 'resources/wit', name))
    for (const world of source.worlds) {
      const shape: WorldShape = readWorld(await dummyComponent(source.text, world))
      lines.push(
        `${JSON.stringify(`${source.packageName}/${world}@${source.version}`)}: ${JSON.stringify(shape)}`,
      )
    }
  }
  return `${header}${lines.join(',\n')},\n}\n`
}

/** A component of the world that does nothing. */
export async function dummyComponent(witSource: string, world: string): Promise<Uint8Array> {
  return componentNew(await componentEmbed({ dummy: true, witSource, world }), [])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(shapesPath, await generateShapes())
