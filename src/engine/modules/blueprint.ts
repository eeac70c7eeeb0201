/** Turns a judged bundle into what the supervisor runs. */
import { linkEventStore } from '../capabilities/event-store/link-event-store.ts'
import { maxTableElements, type ModuleLimits } from '../../shared/domain/limits.ts'
import type { ModuleGrants } from '../../shared/domain/operator/grants.ts'
import { PaddockError } from '../../shared/errors.ts'
import { contracts } from '../contracts/registry.ts'
import type { SessionContext } from '../contracts/session.ts'
import { Admission } from '../events/admission.ts'
import { launchProcess } from '../sandboxes/launch-process.ts'
import type { Blueprint } from '../supervisor/supervisor-options.ts'
import type { EngineServices } from './engine-services.ts'
import { linkCapabilities } from './grants.ts'
import type { LoadedBundle } from './loader.ts'
import { guestLogLevel } from '../telemetry/log-thresholds.ts'

export interface BlueprintHooks extends Pick<
  SessionContext,
  'recordDispatch' | 'recordDropped' | 'guestLogs' | 'log'
> {
  /** What the module may use now: the operator may change it while it runs. */
  limits(): ModuleLimits
  /** What the operator set for it beyond its capabilities. */
  grants(): ModuleGrants
  /** Capabilities granted now. */
  granted(): readonly string[]
}

export function createBlueprint(
  loaded: LoadedBundle,
  storePath: string,
  services: EngineServices,
  hooks: BlueprintHooks,
): Blueprint {
  const { assessment } = loaded
  const { manifest } = assessment
  const contract = contracts.find((each) => each.id === assessment.contract.id)
  if (contract === undefined) {
    throw new PaddockError('internal.bug', `There is no contract ${assessment.contract.id}.`)
  }
  const compile = async (signal?: AbortSignal): Promise<string> => {
    const limits = hooks.limits()
    const compiled = {
      memoryBytes: limits.memoryBytes,
      tableElements: maxTableElements,
      initialFuel: limits.fuelPerCall,
      ...contract.compiledLimits,
    }
    const request = {
      path: loaded.componentPath,
      expectedSha256: assessment.componentSha256,
      limits: compiled,
    }
    const { directory } = await services.compiler.compile(request, undefined, signal)
    return directory
  }
  return {
    bringsProcesses: contract.processes === 'own',
    compile,
    loadSpec: (run, artifactDirectory) => ({
      module: manifest.name,
      run,
      contract: contract.id,
      artifactDirectory,
      storePath,
      durability: manifest.durability ?? services.operator().store.durability,
      limits: hooks.limits(),
      capabilities: linkEventStore(
        linkCapabilities(assessment, hooks.granted()),
        contract.id,
        services.operator().stores.event,
      ),
      logLevel: guestLogLevel(services.operator(), manifest.name),
      logRecordBytes: services.operator().limits.logs.maxRecordBytes,
    }),
    createSession: (supervisorHooks, predecessor) => {
      const createAdmission = (): Admission =>
        new Admission({
          owner: manifest.name,
          clock: services.clock,
          gate: services.gates.executing,
          governor: services.governor,
          lane: services.governor.lane({ module: manifest.name, contract: contract.id }),
          limits: {
            get fuelPerCall() {
              return hooks.limits().fuelPerCall
            },
            get deadlineMs() {
              return hooks.limits().deadlineMs
            },
          },
          onDelayed: (error) => {
            hooks.log('warn', 'budget_denied', `Calls wait for a budget: ${error.message}`, error.code)
            supervisorHooks.onWaiting()
          },
        })
      const context: SessionContext = {
        name: manifest.name,
        manifest,
        get limits() {
          return hooks.limits()
        },
        rate: {
          get burst() {
            return services.operator().limits.dispatch.burst
          },
          get refillPerSec() {
            return services.operator().limits.dispatch.refillPerSec
          },
        },
        clock: services.clock,
        services: services.contracts,
        admission: createAdmission(),
        createAdmission,
        preparing: services.gates.preparing,
        compile: () => compile(),
        launch: (request) =>
          launchProcess(services, manifest.name, {
            ...request,
            handlers: {
              onOutput: (line) => hooks.log('debug', 'sandbox_output', line),
              ...request.handlers,
            },
          }),
        get grants() {
          return hooks.grants()
        },
        sources: services.sources,
        recordDispatch: hooks.recordDispatch,
        recordDropped: hooks.recordDropped,
        guestLogs: hooks.guestLogs,
        log: hooks.log,
        ...supervisorHooks,
      }
      return contract.createSession(context, predecessor)
    },
  }
}
