/** Real components for tests, made by wasm-tools. */
import { fileURLToPath } from 'node:url'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { dummyComponent } from '../../scripts/generate-shapes.ts'
import { readWitSource } from '../../scripts/wit-source.ts'

const witRoot = fileURLToPath(new URL('../../resources/wit', import.meta.url))

/** Every world of resources/wit as a dummy component. */
export async function worldComponents(): Promise<Map<string, Uint8Array>> {
  const components = new Map<string, Uint8Array>()
  for (const folder of readdirSync(witRoot)) {
    const source = readWitSource(join(witRoot, folder))
    for (const world of source.worlds) {
      components.set(`${source.packageName}/${world}`, await dummyComponent(source.text, world))
    }
  }
  return components
}

/** A dummy component of world `w` in a package `t:t` with this body. */
export function componentOf(body: string): Promise<Uint8Array> {
  return dummyComponent(`package t:t@0.1.0;\n${body}`, 'w')
}

export { parse as componentFromText }
