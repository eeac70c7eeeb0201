/** Bundles for the tests: compiled fixtures with a manifest of their own. */
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildFixtures } from '../../fixtures/build-fixtures.mjs'
import { root } from './paddock.ts'

export interface BundleOptions {
  readonly name: string
  /** A guest of test/fixtures/guests. */
  readonly fixture: string
  readonly version?: string
  readonly chainId?: number
  readonly capabilities?: readonly string[]
  readonly config?: Readonly<Record<string, string>>
}

/** Writes a bundle into `<parent>/<name>` and answers that folder; an existing one is changed in place. */
export async function writeBundle(parent: string, options: BundleOptions): Promise<string> {
  const fixtures = await buildFixtures()
  const component = fixtures[options.fixture]
  if (component === undefined) throw new Error(`There is no fixture ${options.fixture}.`)
  const folder = path.join(parent, options.name)
  await mkdir(folder, { recursive: true })
  const lines = [
    '[module]',
    `name = ${JSON.stringify(options.name)}`,
    `version = ${JSON.stringify(options.version ?? '1.0.0')}`,
    'component = "module.wasm"',
    '[capabilities]',
    `required = ${JSON.stringify(options.capabilities ?? ['local-store'])}`,
    ...(options.chainId === undefined
      ? []
      : ['[[subscription]]', 'kind = "block"', `chain_id = ${options.chainId}`]),
    '[config]',
    ...Object.entries(options.config ?? {}).map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
  ]
  // As build tools do it: whoever reads sees the old file or the new one.
  await copyFile(component, path.join(folder, 'module.wasm.part'))
  await rename(path.join(folder, 'module.wasm.part'), path.join(folder, 'module.wasm'))
  await writeFile(path.join(folder, 'paddock.toml'), `${lines.join('\n')}\n`)
  return folder
}

/** The project's own examples, built. */
export const examples = {
  blockLogger: path.join(root, 'modules/block-logger'),
  balanceWatch: path.join(root, 'modules/balance-watch'),
  httpStatus: path.join(root, 'modules/http-status'),
}
