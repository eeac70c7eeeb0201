import type { Command } from 'commander'
import { call } from './call.ts'
import { parseDestination } from './load-tool.ts'
import { collect, parseDuration, parsePort } from './options.ts'
import { createOutput, type Output } from './output.ts'
import { parseSecretFile } from './secret-files.ts'
import { secrets, secretVerbs } from './secrets.ts'
import { serveMcp, serveTools } from './serve-tools.ts'

interface Flags {
  secret?: string[]
  permit?: string[]
  config?: string
  stateDir?: string
  for?: number
  json?: boolean
}

/** Adds `paddock call`, `serve-tools`, `mcp` and `secrets` to the command. */
export function addToolCommands(
  program: Command,
  version: string,
  outputFor: (options: { json?: boolean }) => Output,
  finish: (code: number) => void,
): void {
  const shared = ({ secret = [], permit = [], config, stateDir, for: forMs }: Flags) => ({
    secrets: secret.map(parseSecretFile),
    permitted: permit.map(parseDestination),
    config,
    stateDir,
    forMs,
    version,
  })
  const withShared = (command: Command): Command =>
    command
      .option(
        '--secret <name=file>',
        'a secret for the tools that declare it, from a file or - ; repeatable',
        collect,
      )
      .option(
        '--permit <address>',
        'a private address or range that the tools may reach, of those they declare; repeatable',
        collect,
      )
      .option('--config <file>', 'engine.toml')
      .option('--state-dir <dir>', 'where state is kept (default: a directory thrown away at the end)')

  withShared(
    program
      .command('call')
      .description('call a tool once and print what it answers, with every request it made')
      .argument('<bundle>', 'folder, archive or component')
      .option('--params <json>', 'the parameters: JSON, or @file', '{}')
      .option('--operation <id>', 'which operation, of a tool that has several')
      .option('--context <json>', 'the operation as {"capability_id": …}; nothing else of it is used')
      .option('--json', 'one JSON object'),
  ).action(
    async (bundle: string, flags: Flags & { params: string; operation?: string; context?: string }) => {
      const { params, operation, context } = flags
      finish(await call({ ...shared(flags), bundle, params, operation, context }, outputFor(flags)))
    },
  )
  withShared(
    program
      .command('serve-tools')
      .description('serve the tools of bundles on this machine, over HTTP and MCP')
      .argument('<bundles...>', 'folders, archives or components')
      .option('--port <number>', 'where to listen; 0 for any', parsePort, 7_415)
      .option('--for <time>', 'stop after this time, for instance 10s', parseDuration)
      .option('--json', 'one JSON object a line'),
  ).action(async (bundles: string[], flags: Flags & { port: number }) => {
    finish(await serveTools({ ...shared(flags), bundles, port: flags.port }, outputFor(flags)))
  })
  withShared(
    program
      .command('mcp')
      .description('serve the tools of bundles to an assistant, as MCP over standard input and output')
      .argument('<bundles...>', 'folders, archives or components'),
  ).action(async (bundles: string[], flags: Flags) => {
    // Standard output is the protocol's.
    const streams = { stdout: process.stderr, stderr: process.stderr }
    const output = createOutput(false, streams, () => new Date())
    finish(await serveMcp({ ...shared(flags), bundles }, output))
  })
  program
    .command('secrets')
    .description('list, set or remove the secrets of a state directory; no command shows one')
    .argument('<verb>', secretVerbs.join(', '))
    .argument('[secret]', 'name=file to set (- for standard input), name to remove')
    .requiredOption('--state-dir <dir>', 'where they are kept')
    .option('--config <file>', 'engine.toml')
    .option('--json', 'one JSON object')
    .action(async (verb: string, secret: string | undefined, flags: Flags) => {
      finish(await secrets({ ...shared(flags), verb, secret }, outputFor(flags)))
    })
}
