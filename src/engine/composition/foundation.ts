/** What everything else of an engine stands on: clock, state, logs, chains, budgets and figures. */
import path from 'node:path'
import type { EngineView } from '../../shared/domain/engine.ts'
import { noBudgets } from '../../shared/domain/budgets.ts'
import type { ModuleView } from '../../shared/domain/module.ts'
import { AuditTrail } from '../audit/audit-trail.ts'
import { tellMismatch } from '../chains/chain-notices.ts'
import { ChainPool } from '../chains/chain-pool.ts'
import { ChainService } from '../chains/chain-service.ts'
import { systemClock, type Clock } from '../clock.ts'
import { devnetChainId } from '../devnet/chain.ts'
import { Devnet } from '../devnet/devnet.ts'
import type { EngineOptions } from '../engine-options.ts'
import { CronSource } from '../events/cron-source.ts'
import { Governor } from '../governor/governor.ts'
import { LedgerFiles } from '../governor/ledger-files.ts'
import { governorNotices } from '../governor/notices.ts'
import type { ModuleEntry } from '../modules/module-entry.ts'
import { SafeMode } from '../safe-mode.ts'
import { createGates } from '../sandboxes/gates/gates.ts'
import { statePaths } from '../state-directory.ts'
import { StateHub } from '../state-hub.ts'
import { SupervisionStore } from '../supervisor/supervision-store.ts'
import { EngineFigures } from '../telemetry/engine-figures.ts'
import { engineLog, type EngineLog } from '../telemetry/engine-log.ts'
import { LogHub } from '../telemetry/log-hub.ts'
import { createEngineMetrics } from '../telemetry/metrics/engine-metrics.ts'

/** What is asked of the engine as a whole, also while it is being put together. */
export interface Whole {
  view(): EngineView
  entries(): readonly ModuleEntry[]
  moduleViews(): ModuleView[]
  /** A fault of ours: kept in the log, told to nobody else. */
  reportFault(where: string, error: unknown): void
}

export type Foundation = ReturnType<typeof layFoundation>

/** Puts it together; nothing of it runs yet. */
export function layFoundation(options: EngineOptions, whole: Whole) {
  const { settings, entries } = options
  const clock: Clock = options.clock ?? systemClock
  const random = options.random ?? Math.random
  const operator = () => settings.get().operator
  const paths = statePaths(options.stateDir)
  const devnet = new Devnet({ resolveFrom: path.dirname(entries.sandbox), statePath: paths.devnet })
  // Each knows the others by what it asks of them later.
  const { metrics, observability } = createEngineMetrics({
    clock,
    settings,
    chains: () => chains,
    modules: () => whole.entries(),
  })
  const pool = new ChainPool({
    clock,
    random,
    devnetChainId,
    metrics,
    responseBytes: () => operator().limits.chain.responseBodyMaxBytes,
    onMismatch: (chainId, error) => tellMismatch(state, chainId, error),
    modulesOf: (chainId) =>
      whole
        .entries()
        .filter((entry) => entry.subscribesTo(chainId))
        .map((entry) => entry.name),
    onFault: (error) => whole.reportFault('chains', error),
  })
  const chains = new ChainService({ pool, settings, devnetUrl: () => devnet.view().url })
  // Asks for its first views at once.
  const state: StateHub = new StateHub(clock, {
    engine: () => whole.view(),
    modules: () => whole.moduleViews(),
    chains: () => chains.views(),
    devnet: () => devnet.view(),
    watchFolders: () => settings.get().watchFolders,
  })
  const warns =
    (name: string) =>
    (error: Parameters<StateHub['raise']>[3]): void =>
      state.raise(name, 'warn', { kind: 'engine' }, error)
  const logs = new LogHub({
    path: paths.logs,
    threadEntry: entries.telemetry,
    clock,
    ringLimits: () => operator().limits.logs,
    onWarning: warns('log'),
  })
  const log: EngineLog = engineLog(logs, clock)
  return {
    clock,
    random,
    operator,
    paths,
    devnet,
    state,
    logs,
    log,
    metrics,
    observability,
    pool,
    chains,
    cron: new CronSource(clock),
    figures: new EngineFigures(clock),
    gates: createGates(clock),
    safeMode: new SafeMode(paths.starts, state),
    supervision: new SupervisionStore({
      file: paths.supervision,
      now: () => clock.now(),
      onWarning: warns('supervision'),
    }),
    audit: new AuditTrail({ directory: paths.audit, clock, onWarning: warns('audit') }),
    governor: new Governor({
      clock,
      storage: new LedgerFiles(paths.budgets),
      budgets: settings.get().budgets ?? noBudgets,
      ...governorNotices(() => state, log),
    }),
  }
}
