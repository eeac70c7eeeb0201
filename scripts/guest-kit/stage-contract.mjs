import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { innerPackage } from './contracts.mjs'

const witRoot = fileURLToPath(new URL('../../resources/wit/', import.meta.url))

/** Folders of the packages that stages are written for. */
const packages = ['torvyn-streaming', 'torvyn-filtering', 'torvyn-aggregation']

/** What a stage may export, by the name of the export. */
const interfaces = {
  source: 'torvyn:streaming/source@0.1.0',
  processor: 'torvyn:streaming/processor@0.1.0',
  sink: 'torvyn:streaming/sink@0.1.0',
  filter: 'torvyn:filtering/filter@0.1.0',
  router: 'torvyn:filtering/router@0.1.0',
  aggregator: 'torvyn:aggregation/aggregator@0.1.0',
}
const lifecycle = 'torvyn:streaming/lifecycle@0.1.0'

/**
 * Standard output and error. The componentizer replaces everything named `wasi:` by stubs, so they have another name
 * while a stage is compiled, of the same length.
 */
const printing = { compiledAs: 'host:', is: 'wasi:' }
const streams = `
package host:io@0.2.0 {
  interface error { resource error; }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
  }
}
package host:cli@0.2.0 {
  interface stdout { use host:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }
  interface stderr { use host:io/streams@0.2.0.{output-stream}; get-stderr: func() -> output-stream; }
}
`

export const stageWorld = 'stage'

/** What every stage imports: the library names all of it, whatever a role has a use for. */
export const stageImports = [
  'torvyn:streaming/types@0.1.0',
  'torvyn:streaming/buffer-allocator@0.1.0',
  'host:cli/stdout@0.2.0',
  'host:cli/stderr@0.2.0',
]

/** The exports of a module that are interfaces of stages. */
export function stageInterfaces(names) {
  return names.filter((name) => Object.hasOwn(interfaces, name)).sort()
}

/**
 * The world of a stage that exports these.
 *
 * @param {{ exported: string[], hasLifecycle: boolean }} stage
 * @returns {Promise<string>} WIT text with world `stageWorld`
 */
export async function stageWit({ exported, hasLifecycle }) {
  const exports = [...exported.map((name) => interfaces[name]), ...(hasLifecycle ? [lifecycle] : [])]
  const blocks = await Promise.all(packages.map(packageBlock))
  return [
    `package ${innerPackage};`,
    `world ${stageWorld} {`,
    ...stageImports.map((name) => `  import ${name};`),
    ...exports.map((name) => `  export ${name};`),
    '}',
    ...blocks,
    streams,
  ].join('\n')
}

/** A package's interfaces as a block within another's text; its worlds are of no use there. */
async function packageBlock(folder) {
  const names = (await readdir(join(witRoot, folder))).filter(
    (name) => name.endsWith('.wit') && name !== 'world.wit',
  )
  const texts = await Promise.all(names.sort().map((name) => readFile(join(witRoot, folder, name), 'utf8')))
  const header = texts[0]?.match(/^package ([^;]+);/m)?.[1]
  if (header === undefined) throw new Error(`${folder} has no package.`)
  const body = texts.map((text) => text.replace(/^package [^;]+;/m, '')).join('\n')
  return `package ${header} {\n${body}\n}\n`
}

const sectionOfImports = 10
const preambleBytes = 8

/** Gives the printing interfaces of a component their own names again, in its import section alone. */
export function nameImports(component) {
  const bytes = Buffer.from(component)
  for (let at = preambleBytes; at < bytes.length;) {
    const id = bytes[at]
    const { value: size, next } = unsignedLeb(bytes, at + 1)
    if (id === sectionOfImports) rename(bytes.subarray(next, next + size))
    at = next + size
  }
  return bytes
}

function rename(section) {
  for (let at = section.indexOf(printing.compiledAs); at >= 0;) {
    section.write(printing.is, at, 'latin1')
    at = section.indexOf(printing.compiledAs, at)
  }
}

function unsignedLeb(bytes, start) {
  let value = 0
  let next = start
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[next]
    if (byte === undefined) throw new Error('The component ends within a section.')
    next += 1
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, next }
  }
}
