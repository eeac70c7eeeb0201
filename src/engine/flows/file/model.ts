/** A flow file as it was read (spec flows 2): every key with its value or its default, references resolved. */
import type {
  BasePolicy,
  FlowEdge,
  FlowNode,
  FlowPlan,
  StageErrorCase,
} from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowProblem } from '../../../shared/domain/flow.ts'
import type { HostEnd } from './host-end.ts'

export interface CheckFileOptions {
  /** Whether unknown keys are errors rather than warnings. */
  readonly strict?: boolean
  /** For `TORVYN_*` and `${NAME}`; nothing unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Settings of the operator that lie under those of the project: runtime, observability, security. */
  readonly userFile?: { readonly path: string; readonly text: string }
  /** From the command line, by key path: `runtime.worker_threads`, `flow.main.nodes.sink.config`. They win. */
  readonly overrides?: Readonly<Record<string, string>>
}

export interface FlowFileCheck {
  /** Errors first, in the order of the file within each group. */
  readonly problems: readonly FlowProblem[]
  /** Of every flow whose values could be read; empty where the text is no flow file. */
  readonly graphs: readonly FlowGraph[]
  /** The flows without an error of their own or of the file; only these can be judged with their components. */
  readonly flows: readonly FlowDefinition[]
}

/** Where the component of a node comes from. */
export type ComponentReference =
  /** The first of these absolute paths that exists is the component. */
  | { readonly kind: 'file'; readonly candidates: readonly string[] }
  /** A content reference: `oci:registry/name@sha256:…`. */
  | { readonly kind: 'content'; readonly reference: string }
  /** No component: an end in the engine. */
  | { readonly kind: 'host'; readonly end: HostEnd }

type StageRoleOrUnknown = FlowNode['role'] | null

export interface PolicyDefinition {
  readonly base: BasePolicy
  readonly perCase: Readonly<Partial<Record<StageErrorCase, 'fail-fast' | 'skip' | 'log' | 'dead-letter'>>>
  /** `path` as the file has it, or null for one that the engine chooses. */
  readonly deadLetter: { readonly path: string | null; readonly maxBytes: number } | null
  readonly maxErrorsPerMinute: number | null
}

export interface NodeDefinition {
  readonly name: string
  /** `component` as the file has it. */
  readonly source: string
  readonly component: ComponentReference
  /** Language of the declared component, or null. */
  readonly language: string | null
  /** By `interface`, or by the host end; null where the exports decide. */
  readonly role: StageRoleOrUnknown
  /** With `${NAME}` replaced, as `init` gets it. */
  readonly config: string
  /** As the file has it. */
  readonly configSource: string
  readonly fuel: number
  /** Null where neither the node nor the runtime says: 16 MiB, of JavaScript guests 64 MiB. */
  readonly memoryBytes: number | null
  readonly bufferBytes: number
  /** Whether the node set it itself. */
  readonly bufferBytesDeclared: boolean
  readonly priority: number
  readonly callMs: number
  readonly errorPolicy: PolicyDefinition
  readonly circuit: FlowNode['circuit']
  readonly ports: readonly string[] | null
  readonly pauseProbeMs: FlowNode['pauseProbeMs']
  readonly fanOut: FlowNode['fanOut']
  /** What the file grants it, by the names of spec flows 3.4. */
  readonly grants: readonly string[]
}

export interface EdgeDefinition extends FlowEdge {
  readonly toPort: string
}

export interface FlowSettings {
  readonly runtime: {
    /** 0: as many as the machine has. */
    readonly workerThreads: number
    /** Null unless set. */
    readonly maxMemoryBytes: number | null
    readonly fuelPerInvocation: number
    readonly compilationCacheDir: string
    readonly schedulingPolicy: 'round-robin' | 'weighted-fair' | 'priority'
    readonly defaultPriority: number
    readonly queueDepth: number
    readonly queuePolicy: FlowEdge['policy']
  }
  readonly observability: {
    readonly tracingEnabled: boolean
    readonly tracingExporter: 'stdout' | 'otlp-grpc' | 'otlp-http' | 'none'
    readonly tracingEndpoint: string
    readonly tracingSampleRate: number
    readonly metricsEnabled: boolean
    readonly metricsExporter: 'none' | 'prometheus' | 'otlp'
    readonly metricsEndpoint: string
    readonly level: FlowPlan['level']
  }
  readonly security: {
    readonly defaultPolicy: 'deny-all' | 'allow-all'
  }
}

export interface FlowDefinition {
  readonly name: string
  /** The file it stands in. */
  readonly file: string
  readonly description: string
  readonly schedulingPolicy: FlowSettings['runtime']['schedulingPolicy']
  readonly priority: FlowPlan['priority']
  readonly timeouts: FlowPlan['timeouts'] & { readonly shutdownMs: number }
  readonly restart: FlowPlan['restart']
  readonly nodes: readonly NodeDefinition[]
  readonly edges: readonly EdgeDefinition[]
  readonly settings: FlowSettings
  /** Where a key of the file stands, for problems that are found later. */
  readonly locate: (
    key: readonly (string | number)[],
  ) => { readonly line: number; readonly column: number } | null
}
