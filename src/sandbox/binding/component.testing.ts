/** Components for the binder's tests, transpiled as the compiler does it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transpileBytes } from '@bytecodealliance/jco-transpile'
import type { ComponentGlue } from './glue.ts'

export interface Transpiled {
  readonly glue: ComponentGlue
  readonly getCoreModule: (path: string) => WebAssembly.Module
}

export async function transpileComponent(component: Uint8Array): Promise<Transpiled> {
  const { files } = await transpileBytes(component, {
    name: 'component',
    instantiation: 'sync',
    asyncMode: 'sync',
    nodejsCompat: false,
    wasiShim: false,
  })
  const folder = await mkdtemp(join(tmpdir(), 'paddock-binding-'))
  try {
    const path = join(folder, 'component.mjs')
    await writeFile(path, files['component.js'] ?? '')
    const glue = (await import(pathToFileURL(path).href)) as ComponentGlue
    const modules = new Map<string, WebAssembly.Module>()
    for (const [name, content] of Object.entries(files)) {
      if (name.endsWith('.wasm')) modules.set(name, await WebAssembly.compile(content))
    }
    const getCoreModule = (name: string): WebAssembly.Module => {
      const module = modules.get(name)
      if (module === undefined) throw new Error(`no core module ${name}`)
      return module
    }
    return { glue, getCoreModule }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
