/** The headless command: the engine without a window, and what scripts and tests drive. */
import { Command, CommanderError, Option } from 'commander'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import packageJson from '../../package.json'
import { addActorCommand } from './actor-command.ts'
import { addDecideCommand } from './decide-command.ts'
import { events, type EventsOptions } from './events.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { addFlowCommand } from './flow-command.ts'
import { checkFormats, type DeciderCheckOptions } from './decider-check.ts'
import { check, inspect } from './inspect.ts'
import { collect, parseCount } from './options.ts'
import { createOutput, type Output } from './output.ts'
import { query } from './query.ts'
import { addRunCommand } from './run-command.ts'
import { addStoreCommand } from './store-command.ts'
import { addToolCommands } from './tool-command.ts'

const { version } = packageJson

function outputFor(options: { json?: boolean }): Output {
  return createOutput(options.json === true, process, () => new Date())
}

function createProgram(finish: (code: number) => void): Command {
  const program = new Command('paddock')
    .description('Hosts WebAssembly components for people who run blockchain nodes.')
    .version(version)
    .exitOverride()
    // Faults of usage are told by main(), in one line as all others.
    .configureOutput({ outputError: () => undefined })
  addRunCommand(program, version, finish)
  program
    .command('inspect')
    .description('show contract, imports, exports and the verdict for a component')
    .argument('<component>')
    .option('--json', 'one JSON object')
    .action(async (component: string, options: { json?: boolean }) => {
      finish(await inspect(component, version, outputFor(options)))
    })
  program
    .command('check')
    .description('check a bundle and try its init on an empty store; a decider is checked for conformance')
    .argument('<bundle>')
    .option('--suite <file>', 'scenarios of a decider, in YAML or JSON')
    .option('--from-store <file>', 'histories from a store of events, all of which it must be able to read')
    .option('--against <bundle>', 'the decider that runs now, to compare decisions with')
    .option('--parity <bundle>', 'a decider that must answer alike')
    .option('--no-strict', 'only warn of commands and events without a scenario')
    .option('--seed <number>', 'chooses the random inputs', parseCount)
    .addOption(new Option('--format <format>', 'how verdicts are printed').choices(checkFormats))
    .option('--json', 'one JSON object; of a decider one a line')
    .action(async (bundle: string, options: DeciderCheckOptions & { json?: boolean }) => {
      const format = options.json === true ? 'json' : options.format
      finish(await check(bundle, version, { ...options, format }, outputFor(options)))
    })
  program
    .command('events')
    .description('show the events of a decider, or export, import, copy or check them')
    .argument('<store>', 'a store file, a bundle (with --state-dir) or nats://host:port/module')
    .option('--stream <id>', 'of one stream')
    .option('--type <type>', 'of one type, repeatable', collect)
    .option('--after <position>', 'behind this position', parseCount)
    .option('--limit <count>', 'at most so many', parseCount)
    .option('--follow', 'go on with what comes')
    .option('--export <file>', 'write all events as NDJSON')
    .option('--import <file>', 'make the store of an export; none may be there')
    .option('--backup <file>', 'copy the store, also while it is written to')
    .option('--check', 'check the invariants of the store')
    .option('--state-dir <dir>', 'where the store of a bundle is')
    .option('--credentials <file>', 'credentials for the event server')
    .option('--json', 'one JSON object a line')
    .action(async (store: string, options: EventsOptions & { json?: boolean }) => {
      finish(await events(store, options, outputFor(options)))
    })
  program
    .command('query')
    .description('ask a query module once and print its answer')
    .argument('<bundle>', 'folder, archive or component')
    .option('--input <text>', 'the question: text, 0x and hexadecimal digits, or @file', '')
    .option('--config <file>', 'engine.toml with chains and the state directory')
    .option(
      '--state-dir <dir>',
      'where stores and logs are kept (default: a directory thrown away at the end)',
    )
    .option('--json', 'one JSON object')
    .action(
      async (
        bundle: string,
        options: { input: string; config?: string; stateDir?: string; json?: boolean },
      ) => {
        const { input, config, stateDir } = options
        finish(await query({ bundle, input, config, stateDir, version }, outputFor(options)))
      },
    )
  addActorCommand(program, version, outputFor, finish)
  addDecideCommand(program, version, outputFor, finish)
  addFlowCommand(program, { version, outputFor, finish })
  addStoreCommand(program, outputFor, finish)
  addToolCommands(program, version, outputFor, finish)
  return program
}

function usageError(error: CommanderError): PaddockError {
  const text = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  return new PaddockError('usage.invalid', `${text.charAt(0).toUpperCase()}${text.slice(1)}.`)
}

async function main(): Promise<void> {
  let code: number = exitCodes.ok
  const program = createProgram((value) => {
    code = value
  })
  try {
    await program.parseAsync(process.argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? exitCodes.ok : exitCodes.badInput
      if (error.exitCode !== 0 && error.code !== 'commander.help') {
        createOutput(false, process, () => new Date()).error(usageError(error).toReport())
      }
    } else {
      const report = toErrorReport(error)
      createOutput(false, process, () => new Date()).error(report)
      code = isBadInput(report.code) ? exitCodes.badInput : exitCodes.moduleFailed
    }
  }
  process.exitCode = code
}

void main()
