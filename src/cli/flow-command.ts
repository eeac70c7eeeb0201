import type { Command } from 'commander'
import { flowCheck } from './flow-check.ts'
import type { FlowCommandMeans } from './flow-command-means.ts'
import { addRunningVerbs } from './flow-running-commands.ts'
import { collect } from './options.ts'

interface CheckFlags {
  flow?: string
  strict?: boolean
  set?: string[]
  static?: boolean
  json?: boolean
}

/** Adds `paddock flow` with its verbs to the command. */
export function addFlowCommand(program: Command, means: FlowCommandMeans): void {
  const flow = program.command('flow').description('flows: streams of elements through composed components')
  addCheck(flow, means)
  addRunningVerbs(flow, means)
}

function addCheck(flow: Command, { outputFor, finish }: FlowCommandMeans): void {
  flow
    .command('check')
    .description('check a flow file, its graphs and the components they name; compiles and runs nothing')
    .argument('<file>', 'Torvyn.toml, pipeline.toml, or the folder that holds one')
    .option('--flow <name>', 'tell of this flow of the file only')
    .option('--strict', 'take unknown keys for errors')
    .option('--static', 'leave the components alone')
    .option('--set <key=value>', 'a setting that wins over the file, repeatable', collect)
    .option('--json', 'one JSON object')
    .action(async (file: string, flags: CheckFlags) => {
      finish(
        await flowCheck(
          {
            file,
            flow: flags.flow?.replace(/^flow\./, ''),
            strict: flags.strict ?? false,
            components: flags.static !== true,
            overrides: flags.set ?? [],
          },
          outputFor(flags),
        ),
      )
    })
}
