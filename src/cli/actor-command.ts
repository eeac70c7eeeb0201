import type { Command } from 'commander'
import { actor, actorVerbs } from './actor.ts'
import { PaddockError } from '../shared/errors.ts'
import { parseDuration, parsePort } from './options.ts'
import type { Output } from './output.ts'
import { serveActors } from './serve-actors.ts'

interface Flags {
  key?: string[]
  payload?: string
  remote?: string
  tokenFile?: string
  config?: string
  stateDir?: string
  json?: boolean
}

interface ServeFlags {
  tokenFile: string
  host: string
  port: number
  config?: string
  stateDir?: string
  for?: number
  json?: boolean
}

/** Adds `paddock actor` and `paddock serve-actors` to the command. */
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
    .option('--remote <url>', 'the engine that owns the databases (paddock serve-actors)')
    .option('--token-file <file>', 'file with its token')
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
            remote: remoteOf(flags),
            config: flags.config,
            stateDir: flags.stateDir,
            version,
          },
          outputFor(flags),
        ),
      )
    })
  program
    .command('serve-actors')
    .description('own databases for the actors of other engines, over WebSocket without encryption')
    .requiredOption('--token-file <file>', 'file with the token that they must bring, 16 characters or more')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'where to listen; 0 for any', parsePort, 7_420)
    .option('--config <file>', 'engine.toml')
    .option('--state-dir <dir>', 'where databases are kept')
    .option('--for <time>', 'stop after this time, for instance 10s', parseDuration)
    .option('--json', 'one JSON object a line')
    .action(async ({ for: forMs, config, stateDir, ...flags }: ServeFlags) => {
      const { tokenFile, host, port } = flags
      finish(await serveActors({ tokenFile, host, port, config, stateDir, forMs, version }, outputFor(flags)))
    })
}

function remoteOf({ remote, tokenFile }: Flags): { url: string; tokenFile: string } | undefined {
  if (remote === undefined && tokenFile === undefined) return undefined
  if (remote !== undefined && tokenFile !== undefined) return { url: remote, tokenFile }
  throw new PaddockError('usage.invalid', '--remote and --token-file go together.')
}
