import { maxElementBytes } from '../file/keys/limits.ts'
import type { FlowDefinition } from '../file/model.ts'
import { showSize } from '../file/reading/sizes.ts'
import type { Problems } from '../file/reading/problems.ts'
import type { JudgeOptions } from './model.ts'

/** Host bytes that the queues of one flow may hold unless the engine says otherwise. */
const defaultProcessBytes = 1_073_741_824

/**
 * Warns when full queues would hold more than the process may (E0937). The largest buffer of an edge is the largest seen
 * of its producer, else what the producer may own at most as its node declares; an edge of which neither is known counts
 * as nothing.
 */
export function reportFullQueues(flow: FlowDefinition, options: JudgeOptions, problems: Problems): void {
  const { processBytes = defaultProcessBytes, largestBuffers = {} } = options
  let total = 0
  for (const { from, capacity } of flow.edges) {
    const node = flow.nodes.find(({ name }) => name === from)
    const declared = node?.bufferBytesDeclared === true ? Math.min(node.bufferBytes, maxElementBytes) : 0
    const seen = Object.hasOwn(largestBuffers, from) ? largestBuffers[from] : undefined
    total += capacity * (seen ?? declared)
  }
  if (total <= processBytes) return
  problems.add(
    'E0937',
    ['flow', flow.name],
    `Full queues of flow "${flow.name}" may hold ${showSize(total)}.`,
    {
      severity: 'warning',
      expected: `at most ${showSize(processBytes)}`,
      found: showSize(total),
      help: 'Make queues shorter, or lower max_buffers of the stages before them.',
    },
  )
}
