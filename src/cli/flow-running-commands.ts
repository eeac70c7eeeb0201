/** The verbs of `paddock flow` that run a flow. */
import { Option, type Command } from 'commander'
import { logLevels, type LogLevel } from '../shared/domain/primitives.ts'
import { flowBench } from './flow-bench.ts'
import { benchFormats, type BenchFormat } from './flow-bench-report.ts'
import type { FlowCommandMeans } from './flow-command-means.ts'
import { flowRun } from './flow-run.ts'
import type { FlowTarget } from './flow-session.ts'
import { flowTrace, traceFormats } from './flow-trace.ts'
import { collect, parseCount, parseDuration } from './options.ts'
import { PaddockError } from '../shared/errors.ts'

interface TargetFlags {
  flow?: string
  config?: string[]
  input?: string
  output?: string
  engineConfig?: string
  stateDir?: string
}

interface RunFlags extends TargetFlags {
  limit?: number
  timeout?: number
  logLevel: LogLevel
  format: 'pretty' | 'json'
  json?: boolean
}

interface TraceFlags extends TargetFlags {
  limit: number
  timeout?: number
  traceFormat: (typeof traceFormats)[number]
  format?: 'pretty' | 'json'
  outputTrace?: string
  showBuffers?: boolean
  showBackpressure?: boolean
}

interface BenchFlags extends TargetFlags {
  duration: number
  warmup: number
  report?: string
  reportFormat: BenchFormat
  format?: 'pretty' | 'json'
  baseline?: string
  compare?: string
}

/** Adds `run`, `trace` and `bench`. */
export function addRunningVerbs(flow: Command, means: FlowCommandMeans): void {
  const { outputFor, finish } = means
  target(flow.command('run'), 'run a flow to its end, a time or a signal; what it asks for is granted')
    .option('--limit <count>', 'end it after so many elements of its sources', parsePositive)
    .option('--timeout <time>', 'cancel it after this time, for instance 30s', parseDuration)
    .addOption(
      new Option('--log-level <level>', 'lines of stages from this level').choices(logLevels).default('info'),
    )
    .addOption(
      new Option('--format <format>', 'how the summary is printed')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .option('--json', 'the same as --format json')
    .action(async (file: string, name: string | undefined, flags: RunFlags) => {
      const json = flags.json === true || flags.format === 'json'
      const options = {
        ...targetOf(file, name, flags, means),
        limit: flags.limit,
        timeoutMs: flags.timeout,
        logLevel: flags.logLevel,
        json,
      }
      finish(await flowRun(options, outputFor({ json })))
    })
  target(flow.command('trace'), 'run a flow and show what became of each element, call by call')
    .option('--limit <count>', 'end it after so many elements of its sources', parsePositive, 10)
    .option('--timeout <time>', 'cancel it after this time, for instance 30s', parseDuration)
    .addOption(
      new Option('--trace-format <format>', 'how it is printed').choices(traceFormats).default('pretty'),
    )
    .addOption(new Option('--format <format>', 'the same').choices(['pretty', 'json']))
    .option('--output-trace <file>', 'write the trace there')
    .option('--show-buffers', 'each transfer between host and stage')
    .option('--show-backpressure', 'when edges came under pressure')
    .action(async (file: string, name: string | undefined, flags: TraceFlags) => {
      const options = {
        ...targetOf(file, name, flags, means),
        limit: flags.limit,
        timeoutMs: flags.timeout,
        format: flags.format ?? flags.traceFormat,
        outputTrace: flags.outputTrace,
        showBuffers: flags.showBuffers === true,
        showBackpressure: flags.showBackpressure === true,
      }
      finish(await flowTrace(options, outputFor({})))
    })
  target(flow.command('bench'), 'measure how fast a flow is; exit 3 when it is slower than its baseline')
    .option('--duration <time>', 'how long to measure', parseDuration, 10_000)
    .option('--warmup <time>', 'how long to run before', parseDuration, 2_000)
    .option('--report <file>', 'where the report goes (default: .torvyn/bench beside the flow file)')
    .addOption(
      new Option('--report-format <format>', 'how it is printed').choices(benchFormats).default('pretty'),
    )
    .addOption(new Option('--format <format>', 'the same').choices(['pretty', 'json']))
    .option('--baseline <file>', 'an earlier report to compare with')
    .option('--compare <file>', 'the same')
    .action(async (file: string, name: string | undefined, flags: BenchFlags) => {
      const options = {
        ...targetOf(file, name, flags, means),
        durationMs: flags.duration,
        warmupMs: flags.warmup,
        format: flags.format ?? flags.reportFormat,
        report: flags.report,
        baseline: flags.baseline ?? flags.compare,
      }
      finish(await flowBench(options, outputFor({})))
    })
}

function target(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('<file>', 'Torvyn.toml, pipeline.toml, or the folder that holds one')
    .argument('[flow]', 'which flow of the file: main, or flow.main')
    .option('--flow <name>', 'the same')
    .option('--config <setting>', 'NODE=CONFIG, or KEY.PATH=VALUE of the flow file; repeatable', collect)
    .option('--input <file>', 'lines of this file in place of the source; - for standard input')
    .option('--output <file>', 'a file of lines in place of the sink; - for standard output')
    .option('--engine-config <file>', 'engine.toml with chains and messaging')
    .option('--state-dir <dir>', 'where positions and stores are kept (default: thrown away at the end)')
}

function targetOf(
  file: string,
  name: string | undefined,
  flags: TargetFlags,
  { version }: FlowCommandMeans,
): FlowTarget {
  const { flow, config, input, output, engineConfig, stateDir } = flags
  return { file, flow: flow ?? name, settings: config ?? [], input, output, engineConfig, stateDir, version }
}

function parsePositive(text: string): number {
  const count = parseCount(text)
  if (count > 0) return count
  throw new PaddockError('usage.invalid', 'A limit is at least 1.')
}
