/** What the thread that keeps elements of flows is asked. */
import type { HostElement } from '../../../../shared/contracts/flow.ts'

export interface FlowStoreThreadData {
  /** Elements kept in one file; the oldest make room. */
  readonly maxElements: number
  /** Bytes of one file's elements; the oldest make room. */
  readonly maxBytes: number
}

export type FlowStoreOperations = {
  /** Kept, in one transaction, when answered. */
  append: {
    query: { readonly file: string; readonly elements: readonly HostElement[]; readonly nowMs: number }
    answer: null
  }
  /** The flow that wrote it has ended. */
  close: { query: { readonly file: string }; answer: null }
}
