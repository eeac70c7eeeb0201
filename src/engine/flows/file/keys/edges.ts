/** `[[flow.F.edges]]` of a flow file (spec flows 2). */
import type { FlowEdge } from '../../../../shared/contracts/flow.ts'
import { quoted } from '../../../modules/manifest/table-reader.ts'
import type { KeyReader } from '../reading/key-reader.ts'
import { maxEdges, maxQueueDepth } from './limits.ts'
import type { EdgeDefinition } from '../model.ts'
import { readQueuePolicy } from './settings.ts'

/** What edges take over where they say nothing themselves. */
export interface EdgeDefaults {
  readonly capacity: number
  readonly policy: FlowEdge['policy']
}

/** Reads the edges; one with an error in its ends is left out, and the flow has an error then. */
export function readEdges(flow: KeyReader, defaults: EdgeDefaults): EdgeDefinition[] {
  return flow.children('edges', maxEdges).flatMap((table) => {
    const from = readEnd(table, 'from', 'output')
    const to = readEnd(table, 'to', 'input')
    const backpressure = table.child('backpressure')
    const depth = table.integer('queue_depth', 1, maxQueueDepth)
    const tableDepth = backpressure.integer('default_queue_depth', 1, maxQueueDepth)
    const edge = {
      capacity: depth ?? tableDepth ?? defaults.capacity,
      policy: readQueuePolicy(backpressure) ?? defaults.policy,
      lowWatermarkRatio: readWatermark(table) ?? 0.5,
      rateLimit: table.number('rate_limit', 'a number above 0', (rate) => rate > 0) ?? null,
    }
    backpressure.finish()
    table.finish()
    return from === null || to === null
      ? []
      : [{ from: from.node, port: from.port, to: to.node, toPort: to.port, ...edge }]
  })
}

/** Capacity and policy of a flow, which may come by either of two keys. */
export function readEdgeDefaults(flow: KeyReader, outer: EdgeDefaults): EdgeDefaults {
  const backpressure = flow.child('backpressure')
  const depth = flow.integer('default_queue_depth', 1, maxQueueDepth)
  const tableDepth = backpressure.integer('default_queue_depth', 1, maxQueueDepth)
  const policy = readQueuePolicy(backpressure)
  backpressure.finish()
  return { capacity: depth ?? tableDepth ?? outer.capacity, policy: policy ?? outer.policy }
}

function readWatermark(table: KeyReader): number | undefined {
  return table.number(
    'low_watermark_ratio',
    'a number of at least 0 and below 1',
    (ratio) => ratio >= 0 && ratio < 1,
  )
}

function readEnd(
  edge: KeyReader,
  key: 'from' | 'to',
  defaultPort: string,
): { node: string; port: string } | null {
  if (!edge.has(key)) {
    edge.missing(key, `{ node = "…", port = "${defaultPort}" }`)
    return null
  }
  const table = edge.child(key)
  const node = table.required('node', 'the name of a node')
  const port = table.string('port')
  if (port !== undefined && (port === '' || port.length > 64))
    table.bad('port', quoted(port), 'a name of 1 to 64 characters')
  table.finish()
  return node === undefined ? null : { node, port: port ?? defaultPort }
}
