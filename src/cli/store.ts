/** `paddock store`: what an operator does with the store of a module, without an engine. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { knownCapabilities } from '../engine/contracts/registry.ts'
import { openBundle } from '../engine/modules/bundle.ts'
import { purgeStoreFiles, storePath } from '../engine/modules/store-path.ts'
import { openStateDirectory, statePaths, type StatePaths } from '../engine/state-directory.ts'
import { StoreBrowser } from '../engine/store-browser/store-browser.ts'
import { moduleNameSchema } from '../shared/domain/primitives.ts'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import { readEngineConfig } from './engine-config.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import type { Output } from './output.ts'

export const storeVerbs = ['list', 'get', 'export', 'backup', 'import', 'purge', 'compact'] as const
export type StoreVerb = (typeof storeVerbs)[number]

export interface StoreOptions {
  /** A bundle, or the name of a module. */
  readonly module: string
  readonly verb: string
  /** Key or file, by verb. */
  readonly argument: string | undefined
  readonly prefix: string
  readonly limit: number | undefined
  readonly config: string | undefined
  readonly stateDir: string | undefined
}

interface Target {
  readonly name: string
  /** The store's file. */
  readonly file: string
  readonly browser: StoreBrowser
}

const pageSize = 1_000

/**
 * Does one thing with a store. What changes it takes the state directory's lock, so that no engine runs the module
 * meanwhile. Exit 0 when it went well, 1 when the store failed, 2 for bad input.
 */
export async function store(options: StoreOptions, output: Output): Promise<number> {
  const verb = storeVerbs.find((each) => each === options.verb)
  if (verb === undefined) {
    throw new PaddockError('usage.invalid', `"${options.verb}" is none of ${storeVerbs.join(', ')}.`)
  }
  const browser = new StoreBrowser({ entry: path.join(__dirname, 'store-reader.cjs') })
  try {
    const paths = await stateOf(options)
    const name = await nameOf(options.module, paths)
    const target = { name, file: storePath(paths.stores, name), browser }
    if (isChange(verb)) {
      const lock = await openStateDirectory(paths)
      try {
        await change(target, verb, options, output)
      } finally {
        await lock.release()
      }
    } else {
      await look(target, verb, options, output)
    }
    return exitCodes.ok
  } catch (error) {
    const fault = toErrorReport(error)
    output.error(fault)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    await browser.dispose()
  }
}

type Change = Extract<StoreVerb, 'import' | 'purge' | 'compact'>

function isChange(verb: StoreVerb): verb is Change {
  return verb === 'import' || verb === 'purge' || verb === 'compact'
}

async function look(
  { name, file, browser }: Target,
  verb: Exclude<StoreVerb, Change>,
  options: StoreOptions,
  output: Output,
): Promise<void> {
  switch (verb) {
    case 'list':
      await list({ name, file, browser }, options, output)
      return
    case 'get': {
      const key = argumentOf(options, 'a key')
      const value = await browser.whole({ path: file, key })
      if (value === null) throw new PaddockError('usage.invalid', `${name} keeps nothing under "${key}".`)
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      output.result({ key, value: bytes.toString('base64') }, asText(bytes) ?? `0x${bytes.toString('hex')}`)
      return
    }
    case 'export':
    case 'backup': {
      const to = path.resolve(argumentOf(options, 'a file'))
      const carried = await (verb === 'export' ? browser.export(file, name, to) : browser.backup(file, to))
      output.result(
        { ok: true, file: to, ...carried },
        `${carried.entries} keys, ${carried.usedBytes} bytes written to ${to}`,
      )
    }
  }
}

async function change(
  { name, file, browser }: Target,
  verb: Change,
  options: StoreOptions,
  output: Output,
): Promise<void> {
  switch (verb) {
    case 'import': {
      const from = path.resolve(argumentOf(options, 'a file'))
      const carried = await browser.import({ path: file, module: name, file: from, quotaBytes: null })
      output.result(
        { ok: true, file: from, ...carried },
        `${carried.entries} keys, ${carried.usedBytes} bytes read from ${from}`,
      )
      return
    }
    case 'compact': {
      const { before, after } = await browser.compact(file, name)
      output.result({ ok: true, before, after }, `${before} bytes before, ${after} after`)
      return
    }
    case 'purge':
      // A damaged store can be purged too; one that is not there is a mistake in the name.
      await stat(file).catch(() => browser.usage(file))
      await browser.close(file)
      await purgeStoreFiles(file)
      output.result({ ok: true }, `the store of ${name} is purged`)
  }
}

async function list({ file, browser }: Target, options: StoreOptions, output: Output): Promise<void> {
  const entries: { key: string; sizeBytes: number }[] = []
  const limit = options.limit ?? Number.MAX_SAFE_INTEGER
  let page
  do {
    page = await browser.keys({
      path: file,
      prefix: options.prefix,
      after: entries.at(-1)?.key ?? null,
      limit: Math.min(pageSize, limit - entries.length),
    })
    entries.push(...page.entries)
  } while (page.more && entries.length < limit)
  const { total, usedBytes } = page
  const lines = entries.map(({ key, sizeBytes }) => `${JSON.stringify(key)}  ${sizeBytes} bytes`)
  output.result(
    { entries, total, usedBytes },
    [...lines, `${total} keys, ${usedBytes} bytes by the quota's formula`].join('\n'),
  )
}

async function stateOf({ config, stateDir }: StoreOptions): Promise<StatePaths> {
  const directory = stateDir ?? (await readEngineConfig(config)).stateDir
  if (directory === null) {
    throw new PaddockError('usage.invalid', 'Where stores are kept, --state-dir or an engine.toml must say.')
  }
  return statePaths(path.resolve(directory))
}

/** The name in a bundle's manifest, where a bundle is named; else what was given. */
async function nameOf(given: string, paths: StatePaths): Promise<string> {
  const isFile = await stat(path.resolve(given)).then(
    () => true,
    () => false,
  )
  if (isFile) {
    const { manifest } = await openBundle(path.resolve(given), {
      stateDir: paths.root,
      knownCapabilities: knownCapabilities(),
    })
    return manifest.name
  }
  if (moduleNameSchema.safeParse(given).success) return given
  throw new PaddockError('usage.invalid', `"${given}" is neither a bundle nor the name of a module.`)
}

function argumentOf(options: StoreOptions, what: string): string {
  if (options.argument !== undefined) return options.argument
  throw new PaddockError('usage.invalid', `${options.verb} needs ${what}.`)
}

/** The value as text, or null where it is no UTF-8 or holds control characters. */
function asText(value: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(value)
    return /^[^\p{Cc}]*$/u.test(text.replaceAll(/[\n\t]/g, '')) ? text : null
  } catch {
    return null
  }
}
