import path from 'node:path'
import { createClient, http } from 'viem'
import { createChainCapability } from '../../src/engine/capabilities/chain/chain-capability.ts'
import { CapabilityRouter } from '../../src/engine/capabilities/router.ts'
import { ChainPool } from '../../src/engine/chains/chain-pool.ts'
import { chainConfigSchema } from '../../src/shared/domain/chain.ts'
import { Anvil } from '../support/anvil.ts'
import { callContext } from '../support/call-context.ts'
import { LocalNode } from '../support/local-node.ts'
import { until } from '../support/until.ts'
import { block, call, scratch, startSandbox } from './support.ts'
import { median, us, type Finding } from './measure.ts'

const batches = 30
const perBatch = 50
const subscribers = 50
const blocks = 20

/** A guest's request to its chain over viem called directly, and what many subscribers cost the node. */
export async function chain(): Promise<Finding[]> {
  return [await requests(), await sharing()]
}

function poolOf(chainId: string, url: string): ChainPool {
  const pool = new ChainPool()
  const rpcPolicy = { rateLimitPerSecond: 1_000_000 }
  pool.configure([chainConfigSchema.parse({ chainId, name: 'Bench', endpoints: [{ url }], rpcPolicy })])
  return pool
}

async function requests(): Promise<Finding> {
  const anvil = await new Anvil().start(path.join(scratch, 'anvil.json'))
  const pool = poolOf('31337', anvil.http)
  const router = new CapabilityRouter({
    capabilities: [createChainCapability(pool)],
    onFault: (_capability, error) => {
      throw error
    },
  })
  const caller = { ...callContext(), linkage: { chain: 'provided' as const } }
  const sandbox = await startSandbox('chain-caller', [], {
    onHostCall: (hostCall) => router.answer(hostCall, caller),
  })
  const client = createClient({ transport: http(anvil.http) })
  const ours: number[] = []
  const direct: number[] = []
  let sequence = 1
  for (let batch = -3; batch < batches; batch += 1) {
    const began = performance.now()
    for (let index = 0; index < perBatch; index += 1) await client.request({ method: 'eth_blockNumber' })
    const directUs = ((performance.now() - began) * 1_000) / perBatch
    const waits: number[] = []
    for (let index = 0; index < perBatch; index += 1) {
      const { outcome, usage } = await sandbox.call(call(sandbox, sequence++, 'on-event', block(index)))
      if (outcome.status !== 'ok' || usage.hostCalls !== 1) throw new Error(JSON.stringify(outcome))
      waits.push(usage.hostWaitUs)
    }
    if (batch < 0) continue
    ours.push(median(waits))
    direct.push(directUs)
  }
  pool.dispose()
  await sandbox.stop(1_000)
  await anvil.end('SIGKILL')
  return {
    name: 'chain.request',
    what: 'guest → engine → node → guest over viem called directly, http on loopback',
    value: median(ours) / median(direct),
    unit: '×',
    goal: { kind: 'at most', value: 1.6 },
    detail: `${us(median(ours))} over ${us(median(direct))}`,
  }
}

/** Calls that reach the node for many subscribers of blocks and of one log filter. */
async function sharing(): Promise<Finding> {
  const node = await new LocalNode().start()
  const address = `0x${'a1'.repeat(20)}`
  const pool = poolOf('1', node.ws)
  const counts = { blocks: 0, logs: 0 }
  for (let index = 0; index < subscribers; index += 1) {
    pool.subscribeHeads('1', () => (counts.blocks += 1))
    pool.subscribeLogs('1', { addresses: [address], topics: [] }, () => (counts.logs += 1))
  }
  await until(() => {
    if (pool.views()[0]?.status !== 'live' || node.logSubscriptions.length === 0) throw new Error('not live')
  })
  await pool.request('1', 'eth_blockNumber', '[]')
  const opening = node.received.length
  for (let index = 0; index < blocks; index += 1) node.mineLogs({ address })
  await until(() => {
    if (counts.blocks + counts.logs < 2 * subscribers * blocks) throw new Error(JSON.stringify(counts))
  })
  const running = node.received.length - opening
  const upstream = node.subscriptions + node.logSubscriptions.length
  pool.dispose()
  await node.stop()
  return {
    name: `subscriptions of ${subscribers} modules`,
    what: `upstream subscriptions for ${subscribers} subscribers of blocks and ${subscribers} of the same logs`,
    value: upstream,
    unit: '',
    goal: { kind: 'at most', value: 2 },
    detail: `${opening} calls to open them all, ${running} while ${blocks} blocks brought ${counts.blocks + counts.logs} events`,
  }
}
