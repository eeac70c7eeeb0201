import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fuelExport, meterModule, type MeterOptions } from '../../src/engine/compiler/metering/meter.ts'
import { compare, us, type Finding } from './measure.ts'
import { componentFile, root } from './support.ts'
import { transpileComponent } from '../../src/engine/compiler/transpile.ts'

/** Kernels of kernels/kernels.as, with an argument that makes a call take some milliseconds. */
const kernels: readonly (readonly [name: string, argument: number])[] = [
  ['tightLoop', 3_000_000],
  ['byteSum', 3_000_000],
  ['collatz', 20_000],
  ['fib', 27],
  ['sha256', 6_000],
  ['quicksort', 60_000],
  ['matmul', 120],
  ['sieve', 1_000_000],
  ['interpreter', 1_000_000],
]
const batches = 40
const caps: MeterOptions = {
  memoryCap: () => 1_024n,
  maxTableElements: 10_000,
  maxMemories: 16,
}

type Kernel = (argument: number) => number

/** What metering costs: kernels metered against unmetered, taken in turns, and the rewriting against validation. */
export async function fuel(): Promise<Finding[]> {
  // Node, also where this runs in Electron: the AssemblyScript compiler is an ES module.
  const node = path.join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
  execFileSync(node, [path.join(root, 'test/bench/kernels/build.mjs')])
  const bytes = new Uint8Array(await readFile(path.join(root, '.cache/bench-kernels.wasm')))
  const bare = instance(bytes)
  const metered = instance(meterModule(bytes, caps).bytes)
  const counter = metered[fuelExport] as { value: bigint }
  const findings: Finding[] = []
  let logarithms = 0
  for (const [name, argument] of kernels) {
    const ours = metered[name] as Kernel
    const theirs = bare[name] as Kernel
    counter.value = 1n << 60n
    const expected = theirs(argument)
    if (ours(argument) !== expected) throw new Error(`${name} gives another result when metered`)
    const used = (1n << 60n) - counter.value
    const measured = await compare(
      () => void ours(argument),
      () => void theirs(argument),
      { batches, operations: 1 },
    )
    logarithms += Math.log(measured.ratio)
    findings.push({
      name: `metered ${name}`,
      what: 'a metered kernel over the same kernel as it was',
      value: measured.ratio,
      unit: '×',
      goal: { kind: 'at most', value: 1.45 },
      detail: `${us(measured.ours)} over ${us(measured.bare)}, ${used} units of fuel`,
    })
  }
  findings.push({
    name: 'metered, geometric mean',
    what: `of these ${kernels.length} kernels`,
    value: Math.exp(logarithms / kernels.length),
    unit: '×',
    goal: { kind: 'at most', value: 1.2 },
    detail: '',
  })
  return [...findings, await rewriting()]
}

/** Metering a whole QuickJS against copying and validating it. */
async function rewriting(): Promise<Finding> {
  const { cores } = await transpileComponent(new Uint8Array(await readFile(componentFile('block-logger'))))
  const all = [...cores.values()]
  const size = all.reduce((sum, core) => sum + core.length, 0)
  let grown = 0
  const measured = await compare(
    () => {
      grown = all.reduce((sum, core) => sum + meterModule(core, caps).bytes.length, 0)
    },
    () => {
      for (const core of all) if (!WebAssembly.validate(core.slice())) throw new Error('not valid')
    },
    { batches: 10, operations: 1 },
  )
  return {
    name: 'rewriting',
    what: 'metering all modules of a component over copying and validating them',
    value: measured.ratio,
    unit: '×',
    goal: null,
    detail:
      `${(size / measured.ours).toFixed(0)} MB/s over ${(size / measured.bare).toFixed(0)} MB/s ` +
      `for ${(size / 1e6).toFixed(1)} MB, which grow by ${((grown / size - 1) * 100).toFixed(0)} %`,
  }
}

function instance(bytes: Uint8Array): WebAssembly.Exports {
  const module = new WebAssembly.Module(bytes)
  return new WebAssembly.Instance(module, { env: { abort: () => undefined } }).exports
}
