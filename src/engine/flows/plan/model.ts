/** What the judgement of a flow with its components works on and comes to (spec flows 3). */
import type { FlowLevel, FlowPlan, StageRole } from '../../../shared/contracts/flow.ts'
import type { FlowGraph, FlowProblem } from '../../../shared/domain/flow.ts'
import type { Inspection } from '../../../shared/compiler/protocol.ts'
import type { ErrorReport } from '../../../shared/errors.ts'

/** A component as the compiler inspected it, or why it could not be. */
export type StageComponent =
  | { readonly ok: true; readonly path: string; readonly inspection: Inspection }
  | { readonly ok: false; readonly error: ErrorReport }

export interface JudgeOptions {
  /** What the operator granted, by the keys of `asksOf`; everything the file grants unless given. */
  readonly granted?: readonly string[]
  /** Host bytes that the queues of one flow may hold; 1 GiB unless given (E0937). */
  readonly processBytes?: number
  /** The largest element seen of a node in earlier runs, in bytes, by node. */
  readonly largestBuffers?: Readonly<Record<string, number>>
}

/** One thing that a flow asks the operator for. */
export interface FlowAsk {
  /** `source/wasi-clocks`; `allow-all` for the policy. */
  readonly key: string
  readonly node: string | null
  readonly capability: string
  readonly title: string
  readonly risky: boolean
}

/** A stage whose component is fit for its node. */
export interface JudgedStage {
  readonly role: StageRole
  readonly exports: readonly string[]
  readonly imports: readonly string[]
  readonly grants: readonly string[]
  readonly memoryBytes: number
}

export interface FlowJudgement {
  readonly problems: readonly FlowProblem[]
  readonly graph: FlowGraph
  /** By node, host ends left out; null where there is an error. */
  readonly stages: ReadonlyMap<string, JudgedStage> | null
  readonly asks: readonly FlowAsk[]
}

export interface PlanOptions extends JudgeOptions {
  /** 32 hexadecimal digits; used where the flow traces. */
  readonly traceId: string
  /** Absolute folder for dead letters and what else the flow keeps. */
  readonly directory: string
  readonly level?: FlowLevel
  readonly traceRate?: number
  readonly elementLimit?: number
  /** In place of a node's config, by node. */
  readonly configs?: Readonly<Record<string, string>>
}

export interface PlanResult {
  /** Null where there is an error. */
  readonly plan: FlowPlan | null
  readonly problems: readonly FlowProblem[]
}
