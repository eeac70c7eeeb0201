import type { Command } from 'commander'
import { actor, actorVerbs } from './actor.ts'
import type { Output } from './output.ts'

interface Flags {
  key?: string[]
  payload?: string
  config?: string
  stateDir?: string
  json?: boolean
}

/** Adds `paddock actor` to the command. */
export function addActorCommand(
  program: Command,
  version: string,
  outputFor: (options: { json?: boolean }) => Output,
  finish: (code: number) => void,
): void {
  program
    .command('actor')
    .description('send a request to an actor of a bundle, or look after its actors')
    .argument('<bundle>', 'folder, archive or component')
    .argument('<verb>', actorVerbs.join(', '))
    .argument('[argument]', 'the method of a request; the file of backup, export and import')
    .option(
      '--key <part>',
      'key of the actor; repeat it for keys of several parts',
      (value: string, earlier?: string[]) => [...(earlier ?? []), value],
    )
    .option('--payload <json>', 'what the request brings: JSON, or @file')
    .option('--config <file>', 'engine.toml')
    .option('--state-dir <dir>', 'where databases are kept (default: a directory thrown away at the end)')
    .option('--json', 'one JSON object')
    .action(async (bundle: string, verb: string, argument: string | undefined, flags: Flags) => {
      finish(
        await actor(
          {
            bundle,
            verb,
            argument,
            key: flags.key ?? [],
            payload: flags.payload,
            config: flags.config,
            stateDir: flags.stateDir,
            version,
          },
          outputFor(flags),
        ),
      )
    })
}
