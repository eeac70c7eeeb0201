/** What tools of an engine stand on: the broker, its key, and where the operator's word about them is kept. */
import path from 'node:path'
import { moduleGrants, type ModuleGrants } from '../../shared/domain/operator/grants.ts'
import { createToolBroker } from '../broker/client/tool-broker.ts'
import type { ToolApi } from '../contracts/tool/api.ts'
import type { ToolBroker } from '../contracts/tool/broker.ts'
import type { EngineOptions } from '../engine-options.ts'
import type { InstalledRecords } from '../modules/installed-records.ts'
import type { ModuleRegistry } from '../modules/registry.ts'
import { secretFiles } from '../secret-keys/key-file.ts'
import { ToolServerService } from '../tool-server/tool-server-service.ts'
import type { Foundation } from './foundation.ts'

/** The broker given with the options, or one in a process of its own that begins with its first use. */
export function createBroker(options: EngineOptions, foundation: Foundation): ToolBroker {
  const broker = options.toolBroker ?? createOwnBroker(options, foundation)
  const { operator } = foundation
  return {
    secrets: broker.secrets,
    // What the operator permits to every module is permitted to its calls as well.
    open: (policy) =>
      broker.open({
        ...policy,
        permittedPrivate: [...operator().limits.http.permitDestinations, ...policy.permittedPrivate],
      }),
    close: () => broker.close(),
  }
}

function createOwnBroker(
  options: EngineOptions,
  { clock, random, operator, log, state }: Foundation,
): ToolBroker {
  const { entries, launcher, stateDir } = options
  const built = path.dirname(entries.sandbox)
  return createToolBroker({
    launcher,
    entry: path.join(built, 'tool-broker.cjs'),
    scanEntry: path.join(built, 'leak-scan.cjs'),
    secretsFile: secretFiles(stateDir).secrets,
    // Nothing protects a key then: tools run, but without secrets.
    dataKey: options.dataKey ?? (() => Promise.resolve(new Uint8Array(0))),
    // An empty folder holds nothing that could be read.
    workspaceRoot: operator().tools.workspace ?? path.join(stateDir, 'no-workspace'),
    clock,
    random,
    onStanding: (fault) =>
      fault === null
        ? state.clear('secrets')
        : state.raise('secrets', 'warn', { kind: 'engine' }, fault.toReport()),
    onLost: (exit) =>
      log(
        'warn',
        'tool_broker_lost',
        `The process that reaches the outside for tools ended (${exit.class}).`,
      ),
  })
}

/** Serves tools to other programs of this machine, once the settings say so. */
export function createToolServer(
  options: EngineOptions,
  { paths, state }: Foundation,
  api: ToolApi,
): ToolServerService {
  const { entries, version } = options
  return new ToolServerService({
    api,
    version,
    entry: path.join(path.dirname(entries.sandbox), 'tool-server.cjs'),
    tokenFile: paths.toolToken,
    onFault: (error) =>
      error === null
        ? state.clear('tool server')
        : state.raise('tool server', 'warn', { kind: 'engine' }, error),
  })
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
