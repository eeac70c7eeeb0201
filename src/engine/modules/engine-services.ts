/** What the modules of one engine share. */
import type { Operator } from '../../shared/domain/operator/operator.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { IdentityService } from '../capabilities/identity/identity-service.ts'
import type { CapabilityRouter } from '../capabilities/router.ts'
import type { Clock } from '../clock.ts'
import type { ContractServices } from '../contracts/services.ts'
import type { EventSources } from '../events/sources.ts'
import type { Governor } from '../governor/governor.ts'
import type { Gates } from '../sandboxes/gates/gates.ts'
import type { SandboxLauncher } from '../sandboxes/launcher.ts'
import type { StateHub } from '../state-hub.ts'
import type { SupervisionStore } from '../supervisor/supervision-store.ts'
import type { LogHub } from '../telemetry/log-hub.ts'
import type { MetricsPort } from '../telemetry/metrics/metrics-port.ts'
import type { ModuleMetrics } from '../telemetry/module-metrics.ts'
import type { Compiler } from '../compiler/compiler.ts'

export interface EngineServices {
  readonly clock: Clock
  readonly random: () => number
  readonly launcher: SandboxLauncher
  readonly sandboxEntry: string
  readonly nextGeneration: () => number
  readonly gates: Gates
  readonly governor: Governor
  readonly compiler: Compiler
  readonly router: CapabilityRouter
  readonly sources: EventSources
  readonly contracts: ContractServices
  readonly logs: LogHub
  readonly audit: Pick<AuditTrail, 'denied' | 'record'>
  readonly identity: Pick<IdentityService, 'withdraw'>
  readonly supervision: SupervisionStore
  readonly state: StateHub
  /** What the operator set, as it is now. */
  readonly operator: () => Operator
  /** Counters for Prometheus. */
  readonly metrics: MetricsPort
  /** Figures of all modules together. */
  readonly totals: ModuleMetrics
}
