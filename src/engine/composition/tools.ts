/** What tools of an engine stand on: the broker, its key, and where the operator's word about them is kept. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { moduleGrants, type ModuleGrants } from '../../shared/domain/operator/grants.ts'
import { createToolBroker } from '../broker/client/tool-broker.ts'
import type { ToolBroker } from '../contracts/tool/broker.ts'
import type { EngineOptions } from '../engine-options.ts'
import type { InstalledRecords } from '../modules/installed-records.ts'
import type { ModuleRegistry } from '../modules/registry.ts'
import type { Foundation } from './foundation.ts'

const keyBytes = 32

/** The broker given with the options, or one in a process of its own that begins with its first use. */
export function createBroker(
  options: EngineOptions,
  { clock, random, operator, log }: Foundation,
): ToolBroker {
  if (options.toolBroker !== undefined) return options.toolBroker
  const { entries, launcher, stateDir } = options
  const built = path.dirname(entries.sandbox)
  return createToolBroker({
    launcher,
    entry: path.join(built, 'tool-broker.cjs'),
    scanEntry: path.join(built, 'leak-scan.cjs'),
    secretsFile: path.join(stateDir, 'secrets', 'secrets.json'),
    dataKey: options.dataKey ?? (() => keyOf(path.join(stateDir, 'secrets', 'data.key'))),
    // An empty folder holds nothing that could be read.
    workspaceRoot: operator().tools.workspace ?? path.join(stateDir, 'no-workspace'),
    clock,
    random,
    onLost: (exit) =>
      log(
        'warn',
        'tool_broker_lost',
        `The process that reaches the outside for tools ended (${exit.class}).`,
      ),
  })
}

/** The key in a file that only its owner reads, made when it is first asked for. */
async function keyOf(file: string): Promise<Uint8Array> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  // Whoever comes second finds the key of the first.
  await writeFile(file, randomBytes(keyBytes), { flag: 'wx', mode: 0o600 }).catch(() => undefined)
  return new Uint8Array(await readFile(file))
}

/** Keeps what the operator says of a module of tools. Throws `module.unknown`. */
export function keepGrants(
  registry: ModuleRegistry,
  records: InstalledRecords,
  module: string,
  change: Partial<ModuleGrants>,
): void {
  const entry = registry.entry(module)
  registry.refuseWhenClosed()
  entry.record = { ...entry.record, grants: { ...moduleGrants(entry.record), ...change } }
  records.save(entry.record)
}
