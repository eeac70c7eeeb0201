import { bareProcess, block, call, startSandbox } from './support.ts'
import { compare, us, type Finding } from './measure.ts'

const operations = 200

/** One event there and back, its transaction committed, against one bare message of the same content. */
export async function events(): Promise<Finding[]> {
  const sandbox = await startSandbox('store-bench', [
    ['gets', '0'],
    ['sets', '0'],
  ])
  const bare = await bareProcess()
  let sequence = 1
  const result = await compare(
    async () => {
      for (let index = 0; index < operations; index += 1) {
        const { outcome } = await sandbox.call(call(sandbox, sequence++, 'on-event', block(index)))
        if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome))
      }
    },
    async () => {
      for (let index = 0; index < operations; index += 1) {
        await bare.roundTrip(call(sandbox, index, 'on-event', block(index)))
      }
    },
    { batches: 40, operations },
  )
  bare.child.kill()
  await sandbox.stop(1_000)
  return [
    {
      name: 'event round trip',
      what: 'engine → guest → engine, committed, over a bare process message round trip',
      value: result.ratio,
      unit: '×',
      goal: { kind: 'at most', value: 1.5 },
      detail: `${us(result.ours)} over ${us(result.bare)}`,
    },
  ]
}
