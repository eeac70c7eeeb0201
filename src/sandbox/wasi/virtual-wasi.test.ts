/** Real components (QuickJS on Rust's standard library, StarlingMonkey) on the virtual WASI. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transpileBytes } from '@bytecodealliance/jco-transpile'
import { componentize } from 'componentize-qjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { bindComponent } from '../binding/bind-component.ts'
import type { ComponentGlue } from '../binding/glue.ts'
import { func, string } from '../binding/types.ts'
import { createVirtualWasi } from './virtual-wasi.ts'
import type { PrintedLine } from './virtual-wasi.ts'

const version = '0.2.12'
const packages = ['cli', 'clocks', 'filesystem', 'io', 'random', 'sockets']
const witFolder = resolve(
  import.meta.dirname,
  `../../../node_modules/@bytecodealliance/jco/lib/wit/builtin/${version}`,
)
const interfaces = [
  'cli/environment', 'cli/exit', 'cli/stdin', 'cli/stdout', 'cli/stderr', 'io/streams', 'io/poll',
  'clocks/monotonic-clock', 'clocks/wall-clock', 'random/random', 'filesystem/types', 'filesystem/preopens',
  'sockets/instance-network', 'sockets/ip-name-lookup', 'sockets/tcp-create-socket', 'sockets/udp-create-socket',
] // prettier-ignore

const source = `
import { getEnvironment, getArguments, initialCwd } from 'wasi:cli/environment@${version}'
import { exit } from 'wasi:cli/exit@${version}'
import { getStdin } from 'wasi:cli/stdin@${version}'
import { getStdout } from 'wasi:cli/stdout@${version}'
import { getStderr } from 'wasi:cli/stderr@${version}'
import { poll } from 'wasi:io/poll@${version}'
import { now, subscribeDuration } from 'wasi:clocks/monotonic-clock@${version}'
import * as wall from 'wasi:clocks/wall-clock@${version}'
import { getRandomBytes } from 'wasi:random/random@${version}'
import { getDirectories } from 'wasi:filesystem/preopens@${version}'
import { instanceNetwork } from 'wasi:sockets/instance-network@${version}'
import { resolveAddresses } from 'wasi:sockets/ip-name-lookup@${version}'
import { createTcpSocket } from 'wasi:sockets/tcp-create-socket@${version}'
import { createUdpSocket } from 'wasi:sockets/udp-create-socket@${version}'
const attempt = (action) => { try { action(); return 'allowed' } catch (error) { return error.payload ?? String(error) } }
const bytes = (text) => Uint8Array.from([...text].map((character) => character.charCodeAt(0)))
const plain = (value) => JSON.stringify(value, (_, item) => typeof item === 'bigint' ? Number(item) : item instanceof Uint8Array ? [...item] : item)
const tasks = {
  environment: () => [getEnvironment(), getArguments(), initialCwd() ?? 'none'],
  files: () => getDirectories(),
  sockets: () => [attempt(() => createTcpSocket('ipv4')), attempt(() => createUdpSocket('ipv6')),
    attempt(() => resolveAddresses(instanceNetwork(), 'localhost'))],
  print() {
    const out = getStdout()
    out.blockingWriteAndFlush(bytes('one\\ntw'))
    out.blockingWriteAndFlush(bytes('o\\r\\n\\nrest'))
    getStderr().blockingWriteAndFlush(bytes('bad\\n'))
    return 'printed'
  },
  long() {
    const out = getStdout(), part = new Uint8Array(65536).fill(97)
    for (let index = 0; index < 17; index += 1) out.blockingWriteAndFlush(part)
    return 'printed'
  },
  stdin: () => attempt(() => getStdin().blockingRead(10)),
  clock() {
    const before = now()
    const ready = poll([subscribeDuration(9000000), subscribeDuration(5000000)])
    const after = now()
    subscribeDuration(7).block()
    return [Number(after) - Number(before), [...ready], wall.now()]
  },
  random: () => [...getRandomBytes(5)],
  'random-much': () => getRandomBytes(1048577).length,
  exit: () => exit({ tag: 'ok' }),
  panic: () => getRandomBytes('no number'),
}
export function run(task) { return plain(tasks[task]()) }
`

let folder: string
let glue: ComponentGlue
let getCoreModule: (path: string) => WebAssembly.Module

async function prepare(component: Uint8Array, name: string): Promise<void> {
  const { files } = await transpileBytes(component, {
    name: 'component', instantiation: 'sync', asyncMode: 'sync', nodejsCompat: false, wasiShim: false,
  }) // prettier-ignore
  await mkdir(join(folder, name))
  const modulePath = join(folder, name, 'component.mjs')
  await writeFile(modulePath, files['component.js'] ?? '')
  glue = (await import(pathToFileURL(modulePath).href)) as ComponentGlue
  const modules = new Map<string, WebAssembly.Module>()
  for (const [path, content] of Object.entries(files)) {
    if (path.endsWith('.wasm')) modules.set(path, await WebAssembly.compile(content))
  }
  getCoreModule = (path) => modules.get(path) as WebAssembly.Module
}

function start() {
  const lines: PrintedLine[] = []
  let elapsed = 1000n
  const wasi = createVirtualWasi({
    log: (line) => {
      lines.push(line)
    },
    clock: {
      nowMs: () => 1_700_000_000_123n,
      monotonicNs: () => elapsed,
      sleep: (ms) => {
        elapsed += BigInt(Math.ceil(ms * 1e6))
      },
    },
    random: (length) => Uint8Array.from({ length }, (_, index) => index + 1),
  })
  const exports = { run: func([string], string) }
  const bound = bindComponent({ glue, getCoreModule, otherImports: wasi, hosts: [], exports })
  return { run: (task: string): unknown => JSON.parse(bound.exports.run(task)), lines, bound }
}

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PaddockError) return error.code
    throw error
  }
  return 'no error'
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-wasi-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('a QuickJS component', () => {
  beforeAll(async () => {
    const wit = join(folder, 'wit')
    for (const name of packages)
      await cp(join(witFolder, `wasi-${name}`), join(wit, 'deps', name), { recursive: true })
    const imports = interfaces.map((name) => `  import wasi:${name}@${version};`).join('\n')
    const world = `package test:probe;\nworld probe {\n${imports}\n  export run: func(task: string) -> string;\n}\n`
    await writeFile(join(wit, 'world.wit'), world)
    const { component } = await componentize({ witPath: wit, world: 'probe', sync: true, jsSource: source })
    await prepare(component, 'quickjs')
  }, 60_000)

  test('is bound directly, though its runtime imports other versions of WASI than its source', () => {
    expect(start().bound).toMatchObject({ direct: true, indirect: [] })
  })

  test('spec nexum-host 18 row 5: sees no environment, no arguments, no directory', () => {
    const { run } = start()
    expect(run('environment')).toEqual([[], [], 'none'])
    expect(run('files')).toEqual([])
  })

  test('spec nexum-host 18 row 5: is denied every socket and name lookup', () => {
    expect(start().run('sockets')).toEqual(['access-denied', 'access-denied', 'access-denied'])
  })

  test('finds its input at the end', () => {
    expect(start().run('stdin')).toEqual({ tag: 'closed' })
  })

  test('prints lines into the log, an unterminated one only later', () => {
    const { run, lines } = start()
    run('print')
    expect(lines).toEqual([
      { source: 'stdout', level: 'info', message: 'one' },
      { source: 'stdout', level: 'info', message: 'two' },
      { source: 'stdout', level: 'info', message: '' },
      { source: 'stderr', level: 'warn', message: 'bad' },
    ])
    run('print')
    expect(lines[4]).toEqual({ source: 'stdout', level: 'info', message: 'restone' })
  })

  test('has an endless line cut at 1 MiB', () => {
    const { run, lines } = start()
    run('long')
    expect(lines.map(({ message }) => message.length)).toEqual([1024 * 1024])
  })

  test('spec nexum-host 18 row 29: sees and waits on the clock it is given', () => {
    expect(start().run('clock')).toEqual([
      5_000_000,
      [1],
      { seconds: 1_700_000_000, nanoseconds: 123_000_000 },
    ])
  })

  test('spec nexum-host 18 row 29: gets bytes from the random source it is given, within the limit', () => {
    const { run } = start()
    expect(run('random')).toEqual([1, 2, 3, 4, 5])
    expect(codeOf(() => run('random-much'))).toBe('sandbox.trap')
  })

  test('traps when it exits', () => {
    const { run } = start()
    expect(codeOf(() => run('exit'))).toBe('sandbox.trap')
    expect(codeOf(() => run('files'))).toBe('sandbox.trap')
  })

  test('leaves its panic message in the log', () => {
    const { run, lines } = start()
    expect(codeOf(() => run('panic'))).toBe('sandbox.trap')
    expect(
      lines.some(({ source: from, message }) => from === 'stderr' && message.includes('panicked at')),
    ).toBe(true)
  })
})
