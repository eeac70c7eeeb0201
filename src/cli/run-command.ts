import { Option, type Command } from 'commander'
import { collect, parseDuration } from './options.ts'
import { createOutput } from './output.ts'
import { run } from './run.ts'
import { approveChoices, type Approve } from './signatures.ts'

interface Options {
  config?: string
  engineConfig?: string
  stateDir?: string
  rpc?: string[]
  for?: number
  metrics?: string | true
  health?: string | true
  passphraseFile?: string
  approve: Approve
  prettyLogs?: boolean
  json?: boolean
}

export function addRunCommand(program: Command, version: string, finish: (code: number) => void): void {
  program
    .command('run')
    .description('run modules until a signal; everything their manifests ask for is granted')
    .argument(
      '[bundle...]',
      'folders, archives, components or content references; else those of the configuration',
    )
    .option('--config <file>', 'engine.toml (default: the one in the working directory)')
    .option('--engine-config <file>', 'the same')
    .option(
      '--state-dir <dir>',
      'where stores and logs are kept (default: as engine.toml says, else a directory thrown away at the end)',
    )
    .option('--rpc <chain=url>', 'endpoint of a chain, repeatable', collect)
    .option('--for <time>', 'stop after this time, for instance 10s', parseDuration)
    .option('--metrics [address]', 'serve Prometheus metrics (default: 127.0.0.1:9100)')
    .option('--health [address]', 'serve /health and /ready (default: 127.0.0.1:9101)')
    .option('--passphrase-file <file>', 'unlock the key files that the first line of this file opens')
    .addOption(
      new Option('--approve <how>', 'signatures that wait for you: ask here, approve all, or none')
        .choices(approveChoices)
        .default('ask'),
    )
    .option('--pretty-logs', 'lines for people, whatever engine.toml says')
    .option('--json', 'one JSON object a line')
    .action(async (bundles: string[], options: Options) => {
      finish(
        await run(
          {
            bundles,
            config: options.config ?? options.engineConfig,
            stateDir: options.stateDir,
            rpc: options.rpc ?? [],
            forMs: options.for,
            metrics: options.metrics,
            health: options.health,
            passphraseFile: options.passphraseFile,
            approve: options.approve,
            version,
          },
          (format) =>
            createOutput(
              options.json === true || (format === 'json' && options.prettyLogs !== true),
              process,
              () => new Date(),
            ),
        ),
      )
    })
}
