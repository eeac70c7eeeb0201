import { bareProcess, block, call, startSandbox } from './support.ts'
import { median, us, type Finding } from './measure.ts'

const batches = 30
const perBatch = 100

/** A host call from the guest to the engine and back, against a bare process round trip plus a bare worker hop. */
export async function hostCalls(): Promise<Finding[]> {
  const sandbox = await startSandbox('chain-caller')
  const bare = await bareProcess()
  const worker = await bareProcess('bare-worker-hop.cjs')
  const question = {
    type: 'host-calls',
    generation: 1,
    calls: [
      { id: 1, call: 1, capability: 'chain', function: 'request', args: [31337n, 'eth_blockNumber', '[]'] },
    ],
  }
  const ours: number[] = []
  const process: number[] = []
  const hop: number[] = []
  let sequence = 1
  for (let batch = -3; batch < batches; batch += 1) {
    const waits: number[] = []
    for (let index = 0; index < perBatch; index += 1) {
      const { outcome, usage } = await sandbox.call(call(sandbox, sequence++, 'on-event', block(index)))
      if (outcome.status !== 'ok' || usage.hostCalls !== 1) throw new Error(JSON.stringify(outcome))
      waits.push(usage.hostWaitUs)
    }
    const began = performance.now()
    for (let index = 0; index < perBatch; index += 1) await bare.roundTrip(question)
    const processUs = ((performance.now() - began) * 1_000) / perBatch
    const { us: hopUs } = (await worker.roundTrip({ hops: perBatch })) as { us: number }
    if (batch < 0) continue
    ours.push(median(waits))
    process.push(processUs)
    hop.push(hopUs)
  }
  bare.child.kill()
  worker.child.kill()
  await sandbox.stop(1_000)
  const bareUs = median(process) + median(hop)
  return [
    {
      name: 'bridged host call',
      what: 'guest → engine → guest over a bare process round trip plus a bare worker hop',
      value: median(ours) / bareUs,
      unit: '×',
      goal: { kind: 'at most', value: 1.5 },
      detail: `${us(median(ours))} over ${us(median(process))} + ${us(median(hop))}`,
    },
  ]
}
