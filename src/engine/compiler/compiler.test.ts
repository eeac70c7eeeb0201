import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../../test/support/until.ts'
import { componentFromText, componentOf } from '../../../test/support/wasm-components.ts'
import type { Artifact, CompiledLimits } from '../../shared/compiler/protocol.ts'
import { ForkLauncher } from '../sandboxes/fork-launcher.ts'
import type { LaunchedProcess, LaunchOptions, SandboxLauncher } from '../sandboxes/launcher.ts'
import { sha256 } from './artifact-cache.ts'
import { createCompiler, type Compiler, type CompilerOptions } from './compiler.ts'

const entry = fileURLToPath(new URL('compiler-process.ts', import.meta.url))
const limits: CompiledLimits = { memoryBytes: 2 * 1024 * 1024, tableElements: 10_000, initialFuel: 1_000_000 }

/** A component with an endless loop, and one memory that grows. */
const busyText = `(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "spin") (loop (br 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
  (core instance $i (instantiate $m))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "grow") (param "pages" s32) (result s32) (canon lift (core func $i "grow"))))`

class CountingLauncher implements SandboxLauncher {
  launched: LaunchedProcess[] = []
  private readonly inner = new ForkLauncher()
  launch(options: LaunchOptions): LaunchedProcess {
    const process = this.inner.launch(options)
    this.launched.push(process)
    return process
  }
}

let folder: string
let cacheDir: string
let launcher: CountingLauncher
let compiler: Compiler
let open: Compiler[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-compiler-'))
  cacheDir = join(folder, 'cache')
  launcher = new CountingLauncher()
  open = []
  compiler = make()
})

afterEach(async () => {
  await Promise.all(open.map((each) => each.dispose()))
  await rm(folder, { recursive: true, force: true })
})

function make(options: Partial<CompilerOptions> = {}): Compiler {
  const made = createCompiler({ launcher, entry, cacheDir, ...options })
  open.push(made)
  return made
}

async function file(bytes: Uint8Array, name = 'component.wasm'): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

async function busy(): Promise<{ path: string; expectedSha256: string; limits: CompiledLimits }> {
  const bytes = await componentFromText(busyText)
  return { path: await file(bytes), expectedSha256: sha256(bytes), limits }
}

async function entries(): Promise<string[]> {
  return (await readdir(cacheDir).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name))
}

interface Instance {
  readonly exports: { spin: () => void; grow: (pages: number) => number }
  readonly fuel: WebAssembly.Global[]
}

async function instantiate({ directory, manifest }: Artifact): Promise<Instance> {
  const glue = (await import(/* @vite-ignore */ pathToFileURL(join(directory, manifest.glue)).href)) as {
    instantiate: (
      getCoreModule: (name: string) => WebAssembly.Module,
      imports: object,
      instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
    ) => Instance['exports']
  }
  const modules = new Map<string, WebAssembly.Module>()
  for (const name of manifest.cores)
    modules.set(name, new WebAssembly.Module(await readFile(join(directory, name))))
  const fuel: WebAssembly.Global[] = []
  const exports = glue.instantiate(
    (name) => modules.get(name)!,
    {},
    (module, imports) => {
      const instance = new WebAssembly.Instance(module, imports)
      fuel.push(instance.exports[manifest.fuelExport] as WebAssembly.Global)
      return instance
    },
  )
  return { exports, fuel }
}

test('a component is inspected: digest, size and world', async () => {
  const bytes = await componentOf('world w { import f: func(a: u8); export g: func() -> string; }')
  const { sha256: digest, sizeBytes, world } = await compiler.inspect(await file(bytes))
  expect([digest, sizeBytes]).toEqual([sha256(bytes), bytes.length])
  expect(world.imports.map((extern) => extern.name)).toEqual(['f'])
  expect(world.exports.map((extern) => extern.name)).toEqual(['g'])
})

test('an artifact runs, metered and within its memory', async () => {
  const stages: string[] = []
  const artifact = await compiler.compile(await busy(), (stage) => stages.push(stage))
  expect(artifact.fromCache).toBe(false)
  expect(stages).toEqual(['reading', 'transpiling', 'metering', 'writing'])
  expect(artifact.manifest.memoryBytes).toBe(limits.memoryBytes)
  const { exports, fuel } = await instantiate(artifact)
  expect(fuel).toHaveLength(1)
  expect(fuel[0]!.value).toBe(1_000_000n)
  fuel[0]!.value = 100_000_000n
  expect(exports.grow(31)).toBe(1)
  expect(exports.grow(1)).toBe(-1)
  expect(() => exports.spin()).toThrow(WebAssembly.RuntimeError)
  expect(fuel[0]!.value).toBeLessThan(0n)
})

test('the second time it comes from the cache; other limits make another artifact', async () => {
  const request = await busy()
  const first = await compiler.compile(request)
  const second = await compiler.compile(request)
  expect([second.fromCache, second.directory]).toEqual([true, first.directory])
  const other = await compiler.compile({ ...request, limits: { ...limits, memoryBytes: 4 * 1024 * 1024 } })
  expect(other.fromCache).toBe(false)
  expect(other.directory).not.toBe(first.directory)
  expect(await entries()).toHaveLength(2)
})

test('what is not the expected file is not compiled', async () => {
  const request = { ...(await busy()), expectedSha256: '0'.repeat(64) }
  await expect(compiler.compile(request)).rejects.toMatchObject({ code: 'component.digest_mismatch' })
  expect(await entries()).toEqual([])
})

test('an artifact with any file damaged, cut or missing is made again', async () => {
  const request = await busy()
  const { directory, manifest } = await compiler.compile(request)
  for (const name of ['artifact.json', ...Object.keys(manifest.files)]) {
    const path = join(directory, name)
    const original = await readFile(path)
    const flipped = Buffer.from(original)
    flipped[flipped.length >> 1]! ^= 1
    for (const damage of [
      () => writeFile(path, flipped),
      () => writeFile(path, original.subarray(1)),
      () => rm(path),
    ]) {
      await damage()
      const again = await compiler.compile(request)
      expect([name, again.fromCache, again.directory]).toEqual([name, false, directory])
      expect((await readFile(path)).equals(original)).toBe(true)
    }
  }
  expect((await compiler.compile(request)).fromCache).toBe(true)
})

test('callers at the same time share one job and hear its progress', async () => {
  const request = await busy()
  const heard: string[][] = [[], [], []]
  const artifacts = await Promise.all(
    heard.map((stages) => compiler.compile(request, (stage) => stages.push(stage))),
  )
  expect(launcher.launched).toHaveLength(1)
  expect(new Set(artifacts).size).toBe(1)
  expect(heard.map((stages) => stages.length)).toEqual([4, 4, 4])
})

test('a process that dies at any stage is replaced once, and leaves nothing broken', async () => {
  const request = await busy()
  for (const fatal of ['reading', 'transpiling', 'metering', 'writing']) {
    let kills = 0
    const before = launcher.launched.length
    const artifact = await compiler.compile(request, (stage) => {
      if (stage === fatal && kills++ === 0) launcher.launched.at(-1)?.kill()
    })
    expect(kills).toBeGreaterThan(0)
    expect(launcher.launched.length - before).toBeLessThanOrEqual(2)
    expect((await make().compile(request)).fromCache).toBe(true)
    await rm(artifact.directory, { recursive: true })
  }
})

test('a process that dies again and again fails the compilation, not the engine', async () => {
  const request = await busy()
  const compiling = compiler.compile(request, () => launcher.launched.at(-1)?.kill())
  await expect(compiling).rejects.toMatchObject({ code: 'compiler.crashed', details: { class: 'killed' } })
  expect(launcher.launched).toHaveLength(2)
  expect(await entries()).toEqual([])
  expect((await compiler.compile(request)).fromCache).toBe(false)
})

test('a compilation that takes too long is ended with its process', async () => {
  const hasty = make({ compileTimeoutMs: 1 })
  await expect(hasty.compile(await busy())).rejects.toMatchObject({ code: 'compiler.timeout' })
  expect(hasty.processIds()).toEqual([])
  expect((await compiler.compile(await busy())).fromCache).toBe(false)
})

test.each<[string, () => Promise<Uint8Array> | Uint8Array, string]>([
  ['text', () => new TextEncoder().encode('# not wasm'), 'component.not_wasm'],
  ['a core module', () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), 'component.core_module'],
  ['a cut component', async () => (await componentFromText(busyText)).subarray(0, -3), 'component.truncated'],
  [
    'a wrong component',
    () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 42, 0),
    'component.malformed',
  ],
  [
    'more memory than allowed',
    () => componentFromText('(component (core module $m (memory 100)) (core instance (instantiate $m)))'),
    'compiler.over_limit',
  ],
  [
    'a shared memory',
    () =>
      componentFromText('(component (core module $m (memory 1 2 shared)) (core instance (instantiate $m)))'),
    'compiler.unsupported_opcode',
  ],
  [
    'what only looks like a component',
    // A core module whose code section is cut short within: the reader does not look inside, the transpiler does.
    () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 1, 10, 0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 10, 9),
    'compiler.failed',
  ],
])('%s is refused with its own error, and the compiler works on', async (_, make, code) => {
  const bytes = await make()
  const path = await file(bytes, 'bad.wasm')
  const compiling = compiler.compile({ path, expectedSha256: sha256(bytes), limits })
  await expect(compiling).rejects.toMatchObject({ code })
  expect((await compiler.compile(await busy())).manifest.cores).toHaveLength(1)
})

test('a file that is not there, a folder, and a cache that cannot be written are told apart', async () => {
  await expect(compiler.inspect(join(folder, 'none.wasm'))).rejects.toMatchObject({
    code: 'bundle.not_found',
  })
  await expect(compiler.inspect(folder)).rejects.toMatchObject({ code: 'bundle.no_component' })
  const blocked = make({ cacheDir: join(await file(new Uint8Array(), 'file'), 'cache') })
  await expect(blocked.compile(await busy())).rejects.toMatchObject({ code: 'compiler.cache_unwritable' })
})

test('several memories share the limit', async () => {
  const module = (name: string, pages: number): string =>
    `(core module $${name} (memory (export "m") ${pages}) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`
  const bytes = await componentFromText(`(component ${module('a', 3)} ${module('b', 1)}
    (core instance $a (instantiate $a)) (core instance $b (instantiate $b)) (core instance $c (instantiate $b))
    (func (export "grow") (param "pages" s32) (result s32) (canon lift (core func $a "grow"))))`)
  const artifact = await compiler.compile({ path: await file(bytes), expectedSha256: sha256(bytes), limits })
  // 32 pages; 3 + 1 + 1 at the start, 27 shared 4 : 2 : 2.
  expect(artifact.manifest.memoryBytes).toBe((3 + 13 + 2 * (1 + 6)) * 65_536)
  const { exports, fuel } = await instantiate(artifact)
  for (const counter of fuel) counter.value = 10_000_000n
  expect(exports.grow(14)).toBe(-1)
  expect(exports.grow(13)).toBe(3)
})

test('an idle process goes away and comes back when it is needed', async () => {
  const frugal = make({ idleTimeoutMs: 1 })
  const request = await busy()
  await frugal.compile(request)
  await until(() => expect(frugal.processIds()).toEqual([]))
  expect((await frugal.compile(request)).fromCache).toBe(true)
  expect(launcher.launched).toHaveLength(2)
})

test('a caller that goes away stops waiting; the work goes on for the others, and ends with the last', async () => {
  const request = await busy()
  const one = new AbortController()
  const two = new AbortController()
  const first = compiler.compile(request, () => one.abort(), one.signal)
  const second = compiler.compile(request)
  await expect(first).rejects.toMatchObject({ code: 'compiler.cancelled' })
  const { directory } = await second
  await rm(directory, { recursive: true })
  const alone = compiler.compile(request, () => two.abort(), two.signal)
  await expect(alone).rejects.toMatchObject({ code: 'compiler.cancelled' })
  expect((await compiler.compile(request)).fromCache).toBe(false)
})

test('no more processes run than allowed, and all jobs get done', async () => {
  const narrow = make({ maxConcurrent: 2 })
  const { path } = await busy()
  const seen: number[] = []
  await Promise.all(
    Array.from({ length: 6 }, () => narrow.inspect(path).then(() => seen.push(narrow.processIds().length))),
  )
  expect(seen).toHaveLength(6)
  expect(Math.max(...seen)).toBeLessThanOrEqual(2)
  expect(launcher.launched).toHaveLength(2)
})

test('disposal calls off what waits and leaves no process', async () => {
  const request = await busy()
  const compiling = compiler.compile(request)
  const inspecting = compiler.inspect(request.path)
  const results = Promise.allSettled([compiling, inspecting])
  await until(() => expect(launcher.launched).toHaveLength(2))
  await compiler.dispose()
  for (const result of await results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'compiler.cancelled' } })
  }
  await expect(compiler.inspect(request.path)).rejects.toMatchObject({ code: 'compiler.cancelled' })
  await Promise.all(
    launcher.launched.map((process) => new Promise<void>((resolve) => process.onExit(() => resolve()))),
  )
  expect(compiler.processIds()).toEqual([])
})
