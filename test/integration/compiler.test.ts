import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools'
import { buildModules } from '../../scripts/build-modules.mjs'
import { contractWorld, importedInterface } from '../../src/engine/contracts/shapes.ts'
import { createCompiler, type Compiler } from '../../src/engine/compiler/compiler.ts'
import { ForkLauncher } from '../../src/engine/sandboxes/fork-launcher.ts'
import { firstMismatch } from '../../src/shared/component/compare.ts'
import type { Artifact, CompiledLimits } from '../../src/shared/compiler/protocol.ts'
import { block } from '../fixtures/plain-host.ts'

const root = join(import.meta.dirname, '../..')
const modules = ['block-logger', 'balance-watch']
const pathOf = (name: string): string => join(root, 'modules', name, 'module.wasm')
const limits: CompiledLimits = {
  memoryBytes: 64 * 1024 * 1024,
  tableElements: 10_000,
  initialFuel: 1_000_000_000,
}

let folder: string
let compiler: Compiler

beforeAll(async () => {
  await buildModules()
  folder = await mkdtemp(join(tmpdir(), 'paddock-compiler-'))
  compiler = createCompiler({
    launcher: new ForkLauncher(),
    entry: join(root, 'out/main/compiler.cjs'),
    cacheDir: join(folder, 'cache'),
  })
})
afterAll(async () => {
  await compiler.dispose()
  await rm(folder, { recursive: true, force: true })
})

async function compile(name: string): Promise<Artifact> {
  const { sha256 } = await compiler.inspect(pathOf(name))
  return compiler.compile({ path: pathOf(name), expectedSha256: sha256, limits })
}

interface Running {
  readonly guest: Record<string, (value: unknown) => unknown>
  readonly logs: string[]
  /** Sets every counter. */
  readonly refuel: (units: bigint) => void
  /** What the counters lost since, and whether one of them is negative. */
  readonly used: () => { total: bigint; negative: boolean }
}

/** Runs block-logger's artifact with a store and a log, each core module with its counter. */
async function start({ directory, manifest }: Artifact): Promise<Running> {
  const cores = new Map<string, WebAssembly.Module>()
  for (const name of manifest.cores)
    cores.set(name, await WebAssembly.compile(await readFile(join(directory, name))))
  const { instantiate } = (await import(pathToFileURL(join(directory, manifest.glue)).href)) as {
    instantiate: (
      getCoreModule: (name: string) => WebAssembly.Module,
      imports: object,
      instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
    ) => Running['guest']
  }
  const counters: { value: bigint }[] = []
  let level = 0n
  const store = new Map<string, Uint8Array>()
  const logs: string[] = []
  const guest = instantiate(
    (name) => cores.get(name)!,
    {
      'nexum:host/logging': { log: (_level: string, line: string) => logs.push(line) },
      'nexum:host/local-store': {
        get: (key: string) => store.get(key),
        set: (key: string, value: Uint8Array) => void store.set(key, value),
        delete: (key: string) => void store.delete(key),
        listKeys: () => [...store.keys()],
      },
    },
    (module, imports) => {
      const instance = new WebAssembly.Instance(module, imports)
      counters.push(instance.exports[manifest.fuelExport] as { value: bigint })
      return instance
    },
  )
  return {
    guest,
    logs,
    refuel(units) {
      level = units
      for (const counter of counters) counter.value = units
    },
    used: () => ({
      total: counters.reduce((sum, counter) => sum + level - counter.value, 0n),
      negative: counters.some((counter) => counter.value < 0n),
    }),
  }
}

describe('a whole QuickJS guest', () => {
  it('is read with the names that wasm-tools prints, in the shapes of its contract', async () => {
    const host = contractWorld('nexum:host/event-module@0.2.0')!
    for (const name of modules) {
      const { world } = await compiler.inspect(pathOf(name))
      const wit = await componentWit(await readFile(pathOf(name)))
      const printed = [...wit.matchAll(/^ +import ([^;]+);/gm)].map((match) => match[1])
      const interfaces = world.imports.filter((extern) => extern.kind === 'interface')
      expect(interfaces.map((extern) => extern.name).sort()).toEqual(printed.sort())
      for (const extern of interfaces) {
        expect(firstMismatch(importedInterface(host, extern.name)!, extern.interface)).toBeUndefined()
      }
    }
  })

  it('runs metered: its memories within the limit, the same events for the same fuel', async () => {
    const artifact = await compile('block-logger')
    expect(artifact.manifest.memoryBytes).toBeLessThanOrEqual(limits.memoryBytes)
    const uses: bigint[][] = []
    for (let run = 0; run < 2; run++) {
      const running = await start(artifact)
      const used: bigint[] = []
      const step = (name: string, value: unknown): void => {
        running.refuel(1_000_000_000n)
        running.guest[name]!(value)
        used.push(running.used().total)
      }
      step('init', [['name', 'block-logger']])
      for (const number of [7, 8, 9]) step('onEvent', block(number))
      expect(running.logs.filter((line) => line.startsWith('block'))).toHaveLength(3)
      uses.push(used)
    }
    expect(uses[1]).toEqual(uses[0])
    for (const used of uses[0] ?? []) expect(used).toBeGreaterThan(1_000n)
  })

  it('is stopped when its fuel is gone, which the counter tells', async () => {
    const running = await start(await compile('block-logger'))
    running.refuel(1_000_000_000n)
    running.guest['init']!([['name', 'block-logger']])
    running.refuel(1_000n)
    expect(() => running.guest['onEvent']!(block(7))).toThrow()
    expect(running.used().negative).toBe(true)
    expect(running.logs.some((line) => line.startsWith('block'))).toBe(false)
  })

  it('comes from the cache a second time, and imports nothing but its world', async () => {
    const { fromCache, directory, manifest } = await compile('block-logger')
    expect(fromCache).toBe(true)
    const glue = await readFile(join(directory, manifest.glue), 'utf8')
    expect(glue).not.toMatch(/^\s*import\b|\bimport\(|node:|preview2-shim/m)
    expect(manifest.imports).toEqual(['nexum:host/local-store', 'nexum:host/logging'])
  })
})
