import type { Command } from 'commander'
import { decide } from './decide.ts'
import { parseCount } from './options.ts'
import type { Output } from './output.ts'

interface Flags {
  readonly type: string
  readonly payload: string
  readonly stream?: string
  readonly id?: string
  readonly expect?: number
  readonly dryRun?: boolean
  readonly at?: number
  readonly config?: string
  readonly stateDir?: string
  readonly json?: boolean
}

/** Adds `paddock decide`. */
export function addDecideCommand(
  program: Command,
  version: string,
  outputFor: (options: { json?: boolean }) => Output,
  finish: (code: number) => void,
): void {
  program
    .command('decide')
    .description('send one command to a decider and print what it decided')
    .argument('<bundle>', 'folder, archive or component')
    .requiredOption('--type <type>', 'command type')
    .requiredOption('--payload <payload>', 'the payload, for instance JSON, or @file')
    .option('--stream <id>', 'refuse the command unless it is for this stream')
    .option('--id <uuid>', 'command id: sent again, the command is not carried out again')
    .option('--expect <revision>', 'revision that the stream must be at', parseCount)
    .option('--dry-run', 'decide, and append nothing')
    .option('--at <revision>', 'with --dry-run: on the state as of this revision', parseCount)
    .option('--config <file>', 'engine.toml with the state directory')
    .option(
      '--state-dir <dir>',
      'where streams and logs are kept (default: a directory thrown away at the end)',
    )
    .option('--json', 'one JSON object')
    .action(async (bundle: string, flags: Flags) => {
      const { type, payload, stream, id, expect, dryRun, at, config, stateDir } = flags
      finish(
        await decide(
          {
            bundle,
            type,
            payload,
            stream,
            id,
            expect,
            dryRun: dryRun === true,
            at,
            config,
            stateDir,
            version,
          },
          outputFor(flags),
        ),
      )
    })
}
