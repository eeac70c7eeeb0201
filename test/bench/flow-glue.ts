/** Source, transform and sink as the transpiler leaves them: what a flow is measured against. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ComponentGlue } from '../../src/sandbox/binding/glue.ts'
import { FlowBuffers } from '../../src/sandbox/contracts/flow/buffers/flow-buffers.ts'
import type { HostBuffer } from '../../src/sandbox/contracts/flow/buffers/host-buffer.ts'
import { stageComponent, type StageName } from '../fixtures/stages/components.ts'

interface GlueElement {
  readonly meta: { sequence: bigint; timestampNs: bigint; contentType: string }
  readonly payload: GlueBuffer
}

interface GlueExports {
  readonly source: { pull(): GlueElement | undefined }
  readonly processor: { process(input: object): { tag: 'emit'; val: GlueElement } | { tag: 'drop' } }
  readonly sink: { push(element: object): string }
  readonly lifecycle?: { init(config: string): void }
}

const glueBuffers = new FlowBuffers()

class GlueBuffer {
  readonly host: HostBuffer

  constructor(host: HostBuffer) {
    this.host = host
  }

  size(): bigint {
    return BigInt(this.host.size)
  }

  contentType(): string {
    return this.host.contentTypeHint
  }

  read(offset: bigint, length: bigint): Uint8Array {
    return this.readAll().subarray(Number(offset), Number(offset + length))
  }

  readAll(): Uint8Array {
    return this.host.bytes.subarray(0, this.host.size)
  }
}

class GlueMutableBuffer extends GlueBuffer {
  append(bytes: Uint8Array): void {
    this.host.bytes.set(bytes, this.host.size)
    this.host.size += bytes.length
  }

  setContentType(hint: string): void {
    this.host.contentTypeHint = hint
  }

  freeze(): GlueBuffer {
    return new GlueBuffer(this.host)
  }
}

const GlueContext = class {
  readonly isContext = true
}

const glueImports = {
  'torvyn:streaming/types': {
    Buffer: GlueBuffer,
    MutableBuffer: GlueMutableBuffer,
    FlowContext: GlueContext,
  },
  'torvyn:streaming/buffer-allocator': {
    allocate: (hint: bigint) => new GlueMutableBuffer(glueBuffers.allocate(Number(hint), null)),
    cloneIntoMutable: () => {
      throw new Error('not called')
    },
  },
}

/** The three components as the transpiler leaves them, over the same buffers. */
export async function glueLoop(
  trio: readonly [StageName, StageName, StageName],
  elementBytes: number,
): Promise<(elements: number) => void> {
  const [{ source, lifecycle }, { processor }, { sink }] = (await Promise.all(trio.map(transpiled))) as [
    GlueExports,
    GlueExports,
    GlueExports,
  ]
  lifecycle?.init(`0 ${elementBytes}`)
  const context = new GlueContext()
  return (elements) => {
    for (let count = 0; count < elements; count += 1) {
      const first = source.pull()
      if (first === undefined) throw new Error('exhausted')
      const result = processor.process({ ...first, context })
      first.payload.host.release()
      if (result.tag !== 'emit') throw new Error('dropped')
      sink.push({ ...result.val, context })
      result.val.payload.host.release()
    }
  }
}

async function transpiled(name: StageName): Promise<GlueExports> {
  // ESM only, which Electron 25 cannot require.
  const { transpileBytes } = await import('@bytecodealliance/jco-transpile')
  const { files } = await transpileBytes(await stageComponent(name), {
    name: 'component',
    instantiation: 'sync',
    asyncMode: 'sync',
    nodejsCompat: false,
    wasiShim: false,
  })
  const folder = await mkdtemp(join(tmpdir(), 'paddock-bench-'))
  try {
    const path = join(folder, 'component.mjs')
    await writeFile(path, files['component.js'] ?? '')
    const glue = (await import(pathToFileURL(path).href)) as ComponentGlue
    const modules = new Map<string, WebAssembly.Module>()
    for (const [file, content] of Object.entries(files)) {
      if (file.endsWith('.wasm')) modules.set(file, await WebAssembly.compile(content))
    }
    const instantiateCore = (
      module: WebAssembly.Module,
      imports: WebAssembly.Imports = {},
    ): WebAssembly.Instance => new WebAssembly.Instance(module, imports)
    const get = (file: string): WebAssembly.Module => {
      const module = modules.get(file)
      if (module === undefined) throw new Error(`no core module ${file}`)
      return module
    }
    return glue.instantiate(get, glueImports, instantiateCore) as GlueExports
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
