import type { EdgeDefinition, NodeDefinition } from '../model.ts'
import type { ProblemFacts } from '../reading/problems.ts'

/** The part of a flow that the rules read; a builder may give what no file can hold. */
export interface GraphDefinition {
  readonly name: string
  readonly nodes: readonly Pick<NodeDefinition, 'name' | 'role' | 'ports'>[]
  readonly edges: readonly EdgeDefinition[]
}

/** What the rules work on: the edges between two nodes that exist and differ, with their places in the file. */
export interface Graph {
  readonly flow: GraphDefinition
  readonly nodes: ReadonlyMap<string, GraphDefinition['nodes'][number]>
  readonly edges: readonly { readonly edge: EdgeDefinition; readonly index: number }[]
  readonly report: (
    code: string,
    message: string,
    at: { node?: string; edge?: number; below?: string[] },
    facts?: ProblemFacts,
  ) => void
}
