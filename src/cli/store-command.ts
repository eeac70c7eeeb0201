import type { Command } from 'commander'
import { parseCount } from './options.ts'
import type { Output } from './output.ts'
import { store, storeVerbs } from './store.ts'

interface Flags {
  prefix: string
  limit?: number
  config?: string
  stateDir?: string
  json?: boolean
}

/** Adds `paddock store` to the command (spec nexum-host 16). */
export function addStoreCommand(
  program: Command,
  outputFor: (options: { json?: boolean }) => Output,
  finish: (code: number) => void,
): void {
  program
    .command('store')
    .description("look at a module's store, export, import, copy, compact or purge it")
    .argument('<module>', 'a bundle, or the name of a module')
    .argument('<verb>', storeVerbs.join(', '))
    .argument('[argument]', 'the key of get; the file of export, import and backup')
    .option('--prefix <text>', 'list: keys that begin with this', '')
    .option('--limit <count>', 'list: at most so many', parseCount)
    .option('--config <file>', 'engine.toml, which names the state directory')
    .option('--state-dir <dir>', 'where stores are kept')
    .option('--json', 'one JSON object')
    .action(async (module: string, verb: string, argument: string | undefined, flags: Flags) => {
      const { prefix, limit, config, stateDir } = flags
      finish(await store({ module, verb, argument, prefix, limit, config, stateDir }, outputFor(flags)))
    })
}
