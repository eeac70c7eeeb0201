import type { Output } from './output.ts'

/** What every verb of `paddock flow` is given besides its own options. */
export interface FlowCommandMeans {
  readonly version: string
  readonly outputFor: (options: { json?: boolean }) => Output
  readonly finish: (code: number) => void
}
