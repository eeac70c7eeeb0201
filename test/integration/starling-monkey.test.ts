import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createHash, randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileComponent } from '../../src/engine/compiler/compile.ts'
import { FuelTank, callGuest } from '../../src/sandbox/binding/fuel-tank.ts'

const cache = join(import.meta.dirname, '../../.cache')
const built = join(cache, 'starling-monkey.wasm')
const budget = 1_000_000_000n

/** Half a minute to build: only where asked for, or where an earlier run has left the component. */
const slow = process.env['PADDOCK_SLOW_TESTS'] === '1'
const present =
  slow ||
  (await readFile(built).then(
    () => true,
    () => false,
  ))

const source = `export function evaluate(n) {
  let product = 1n
  for (let i = 1n; i <= BigInt(n); i++) product = (product * i) % 1000000007n
  if (n === 13) for (;;);
  return Number(product)
}`
const wit = 'package test:engines; world engine { export evaluate: func(n: u32) -> u32; }'

describe.skipIf(!present)('StarlingMonkey (PADDOCK_SLOW_TESTS=1 builds it)', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'paddock-starling-'))
    if (
      await readFile(built).then(
        () => false,
        () => true,
      )
    )
      await build()
  }, 120_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('runs metered: the same fuel each time, and an endless loop in it ends', async () => {
    const { directory, manifest } = await compileComponent(
      {
        path: built,
        expectedSha256: createHash('sha256')
          .update(await readFile(built))
          .digest('hex'),
        cacheDir: join(folder, 'artifacts'),
        cacheMaxBytes: 1024 * 1024 * 1024,
        limits: { memoryBytes: 64 * 1024 * 1024, tableElements: 100_000, initialFuel: Number(budget) },
      },
      () => undefined,
    )
    const cores = new Map<string, WebAssembly.Module>()
    for (const name of manifest.cores)
      cores.set(name, await WebAssembly.compile(await readFile(join(directory, name))))
    const { instantiate } = (await import(pathToFileURL(join(directory, manifest.glue)).href)) as {
      instantiate: (
        core: (name: string) => WebAssembly.Module | undefined,
        imports: object,
        instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
      ) => { evaluate: (n: number) => number }
    }
    const uses: bigint[][] = []
    for (let run = 0; run < 2; run += 1) {
      const tank = new FuelTank()
      tank.fill(budget)
      const guest = instantiate(
        (name) => cores.get(name),
        {},
        (module, imports) => {
          const instance = new WebAssembly.Instance(module, imports)
          tank.attach(instance)
          return instance
        },
      )
      const used: bigint[] = []
      for (const n of [5, 100, 100]) {
        const { value, fuel } = callGuest(tank, budget, () => guest.evaluate(n))
        let product = 1n
        for (let i = 1n; i <= BigInt(n); i += 1n) product = (product * i) % 1_000_000_007n
        expect(value).toBe(Number(product))
        used.push(fuel ?? 0n)
      }
      expect(used.every((fuel) => fuel > 1_000n)).toBe(true)
      uses.push(used)
      expect(() => callGuest(tank, 50_000_000n, () => guest.evaluate(13))).toThrow(
        expect.objectContaining({ code: 'sandbox.out_of_fuel' }),
      )
    }
    expect(uses[1]).toEqual(uses[0])
  })
})

async function build(): Promise<void> {
  const name = '@bytecodealliance/componentize-js' // comes with jco; its types need libraries of the browser
  const { componentize } = (await import(name)) as {
    componentize: (
      source: string,
      options: { witWorld: string; disableFeatures: string[] },
    ) => Promise<{ component: Uint8Array }>
  }
  const disableFeatures = ['random', 'stdio', 'clocks', 'http', 'fetch-event']
  const { component } = await componentize(source, { witWorld: wit, disableFeatures })
  await mkdir(cache, { recursive: true })
  const unfinished = `${built}.${randomUUID()}`
  await writeFile(unfinished, component)
  await rename(unfinished, built)
}
