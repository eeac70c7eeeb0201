/** Reads a WIT package folder into the one text that wasm-tools takes without a file system of its own. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface WitSource {
  /** The package followed by its dependencies, each in a block of its own. */
  readonly text: string
  /** `nexum:host` and `0.2.0` of `package nexum:host@0.2.0`. */
  readonly packageName: string
  readonly version: string
  /** Names of the worlds of the package itself. */
  readonly worlds: readonly string[]
}

/** Reads `folder` and, if there is one, its `deps` folder. */
export function readWitSource(folder: string): WitSource {
  const main = readPackage(folder)
  const deps = join(folder, 'deps')
  const blocks = existsSync(deps)
    ? readdirSync(deps).map((name) => {
        const dependency = readPackage(join(deps, name))
        return `package ${dependency.header} {\n${dependency.body}\n}\n`
      })
    : []
  const [packageName = '', version = ''] = main.header.split('@')
  const worlds = [...main.body.matchAll(/^world\s+([a-z0-9-]+)/gm)].map((match) => match[1] ?? '')
  return {
    text: [`package ${main.header};\n${main.body}`, ...blocks].join('\n'),
    packageName,
    version,
    worlds,
  }
}

function readPackage(folder: string): { header: string; body: string } {
  let header = ''
  let body = ''
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.wit'))
    .sort()) {
    const text = readFileSync(join(folder, file), 'utf8')
    body += text.replace(/^\s*package\s+([^;]+);/m, (_, name: string) => {
      header = name.trim()
      return ''
    })
    body += '\n'
  }
  return { header, body }
}
