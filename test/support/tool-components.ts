/** Components of tools for tests, by toolchains of others: from text through wasm-tools, from JavaScript through QuickJS. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { buildModule } from '../../scripts/guest-kit/build-module.mjs'
import { buildIfChanged, digestOf } from '../../scripts/stamps.mjs'
import { readWitSource } from '../../scripts/wit-source.ts'

const fixtures = join(import.meta.dirname, '../fixtures/tools')
const near = readWitSource(join(import.meta.dirname, '../../resources/wit/near-agent')).text

/** As much of WASI as the hand-written tool uses. */
function wasi(version: string): string {
  return `
package wasi:io@${version} {
  interface error { resource error; }
  interface poll { resource pollable { block: func(); } }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream {
      blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
    }
  }
}
package wasi:cli@${version} {
  interface environment {
    get-environment: func() -> list<tuple<string, string>>;
    get-arguments: func() -> list<string>;
    initial-cwd: func() -> option<string>;
  }
  interface exit { exit: func(status: result); }
  interface stderr {
    use wasi:io/streams@${version}.{output-stream};
    get-stderr: func() -> output-stream;
  }
}
package wasi:clocks@${version} {
  interface monotonic-clock {
    use wasi:io/poll@${version}.{pollable};
    subscribe-duration: func(when: u64) -> pollable;
  }
}
package wasi:filesystem@${version} {
  interface types { resource descriptor; }
  interface preopens {
    use types.{descriptor};
    get-directories: func() -> list<tuple<descriptor, string>>;
  }
}
package wasi:sockets@${version} {
  interface instance-network { resource network; instance-network: func() -> network; }
}`
}

const handImports = [
  ['wasi:cli/environment', 'get-environment', '(param i32)'],
  ['wasi:cli/environment', 'get-arguments', '(param i32)'],
  ['wasi:cli/environment', 'initial-cwd', '(param i32)'],
  ['wasi:cli/exit', 'exit', '(param i32)'],
  ['wasi:cli/stderr', 'get-stderr', '(result i32)'],
  ['wasi:io/streams', '[method]output-stream.blocking-write-and-flush', '(param i32 i32 i32 i32)', 'write'],
  ['wasi:io/poll', '[method]pollable.block', '(param i32)', 'block'],
  ['wasi:clocks/monotonic-clock', 'subscribe-duration', '(param i64) (result i32)', 'subscribe'],
  ['wasi:filesystem/preopens', 'get-directories', '(param i32)'],
] as const

export interface HandOptions {
  /** Of all its WASI imports. */
  readonly wasi?: string
  /** Of near:agent. */
  readonly version?: string
  /** Further core imports and world lines; further parts of the text. */
  readonly imports?: readonly string[]
  readonly world?: readonly string[]
  readonly packages?: string
  readonly more?: string
  /** Replaces parts of the core text. */
  readonly replace?: readonly (readonly [string, string])[]
}

/** The hand-written tool (test/fixtures/tools/hand.wat); its params are `{"deed":"…"}`: count, loop, trap, exit, hog, big, … */
export async function handTool(options: HandOptions = {}): Promise<Uint8Array> {
  const wasiVersion = options.wasi ?? '0.2.6'
  const version = options.version ?? '0.4.1'
  const imports = handImports.map(
    ([module, name, type, id]) =>
      `(import "${module}@${wasiVersion}" "${name}" (func $${id ?? name} ${type}))`,
  )
  let text = await readFile(join(fixtures, 'hand.wat'), 'utf8')
  for (const [from, to] of options.replace ?? []) text = text.replace(from, to)
  const core = [
    '(module',
    ...imports,
    `(import "near:agent/host@${version}" "log" (func $log (param i32 i32 i32)))`,
    ...(options.imports ?? []),
    text.replaceAll('@0.4.1', `@${version}`),
    options.more ?? '',
    ')',
  ].join('\n')
  const interfaces = [...new Set(handImports.map(([module]) => module))]
  const world = [
    `import near:agent/host@${version};`,
    `export near:agent/tool@${version};`,
    ...interfaces.map((name) => `import ${name}@${wasiVersion};`),
    ...(options.world ?? []),
  ]
  return embed(core, world, version, wasi(wasiVersion) + (options.packages ?? ''))
}

async function embed(
  core: string,
  world: readonly string[],
  version: string,
  packages: string,
): Promise<Uint8Array> {
  const body = near.replace(/package near:agent@0\.4\.1;/, '')
  const witSource = `package fixture:tools;
world fixture { ${world.join('\n')} }
package near:agent@${version} { ${body} }
${packages}`
  const binary = await componentEmbed({ binary: await parse(core), witSource, world: 'fixture' })
  return componentNew(binary, [])
}

const repository = join(import.meta.dirname, '../..')
let probe: Promise<Uint8Array> | undefined

/** Where the component of the probe lies, built when its sources changed (test/fixtures/tools/probe). */
export async function probeToolPath(): Promise<string> {
  const folder = join(fixtures, 'probe')
  const output = join(repository, '.cache/fixtures/tool-probe.wasm')
  await mkdir(join(repository, '.cache/fixtures'), { recursive: true })
  await buildIfChanged({
    stamp: `${output}.stamp`,
    inputs: await digestOf(repository, [
      join(folder, 'src'),
      join(folder, 'tool.toml'),
      join(repository, 'scripts/guest-kit'),
      join(repository, 'resources/wit/near-agent'),
      join(repository, 'node_modules/componentize-qjs/package.json'),
    ]),
    output,
    build: () => buildModule({ folder, output }),
  })
  return output
}

/** The tool that does what its params say, step by step; see its sources for what it can do. */
export async function probeTool(): Promise<Uint8Array> {
  probe ??= probeToolPath().then((path) => readFile(path))
  return probe
}
