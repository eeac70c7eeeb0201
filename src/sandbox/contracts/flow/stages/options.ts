/** What a stage is made of. */
import type { FlowNode } from '../../../../shared/contracts/flow.ts'
import type { ComponentGlue } from '../../../binding/glue.ts'
import type { FlowBuffers } from '../buffers/flow-buffers.ts'
import type { CallContext } from './stage.ts'

/** A compiled component as `loadArtifact` answers it; several stages may share one. */
export interface StageComponent {
  readonly glue: ComponentGlue
  getCoreModule(name: string): WebAssembly.Module
}

/** A line that the guest printed, cut at 8 KiB (spec flows 1.5). The receiver limits the rate. */
export interface StageLine {
  readonly node: string
  readonly source: 'stdout' | 'stderr'
  readonly level: 'info' | 'warn'
  readonly message: string
}

export interface StageOptions {
  readonly component: StageComponent
  readonly node: Pick<FlowNode, 'name' | 'role' | 'fuel' | 'bufferBytes'>
  readonly buffers: FlowBuffers
  /** Opaque, unique within the engine; told to guests as `flow-id`. */
  readonly flowId: string
  /**
   * Becomes the stage's `context`. The driver's own object: its `traceId`, `spanId` and `deadlineNs` are computed when they
   * are read, so read them only when the guest asks, and never assign them.
   */
  readonly context: CallContext
  /** Names of spec flows 3.4. */
  readonly grants: readonly string[]
  readonly log: (line: StageLine) => void
}
