/** A warm call of a tool against instantiating and calling the same component in a bare loop, in one run (issue 6). */
import path from 'node:path'
import { executePayload } from '../../src/engine/contracts/tool/declaration.ts'
import { toolTraits } from '../../src/engine/contracts/tool/contract.ts'
import { compileComponent, inspectComponent } from '../../src/engine/compiler/compile.ts'
import { Engine } from '../../src/engine/engine.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import { ActiveCall } from '../../src/sandbox/contracts/tool/active-call.ts'
import { ToolInstance } from '../../src/sandbox/contracts/tool/instance.ts'
import { loadArtifact } from '../../src/sandbox/loading/artifact.ts'
import { defaultLimits } from '../../src/shared/domain/limits.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { compare, median, us, type Finding } from './measure.ts'
import { bareProcess, launcher, root, scratch } from './support.ts'

const bundle = path.join(root, 'modules/contract-reader')
const operation = 'contract.read'
/** The tool reads and checks it, and answers that no function was named: a whole call without the network. */
const params = JSON.stringify({ address: `0x${'0'.repeat(40)}` })
const answer = 'no_signature'
const batches = 12
const perBatch = 20

/** Goal: at most twice the bare loop plus one process round trip (issue 6). */
export async function toolCall(): Promise<Finding[]> {
  const { engine, close } = await engineWithTool()
  const bare = await bareLoop()
  const ours = async (): Promise<void> => {
    for (let index = 0; index < perBatch; index += 1) {
      const { outcome } = await engine.contracts.tools.call({ operation, params, caller: 'command' })
      if (outcome?.ok !== false || outcome.failure.code !== answer) throw new Error(JSON.stringify(outcome))
    }
  }
  const taken = await compare(ours, bare, { batches, operations: perBatch })
  const trip = await roundTripUs()
  await close()
  return [
    {
      name: 'warm call of a tool',
      what: 'one call, without one process round trip, over a fresh instance and its call in a bare loop',
      value: (taken.ours - trip) / taken.bare,
      unit: '×',
      goal: { kind: 'at most', value: 2 },
      detail: `${us(taken.ours)} over ${us(taken.bare)} and ${us(trip)}`,
    },
  ]
}

async function engineWithTool(): Promise<{ engine: Engine; close: () => Promise<void> }> {
  const entry = (name: string): string => path.join(root, 'out/main', `${name}.cjs`)
  const engine = new Engine({
    version: '0.0.0-bench',
    stateDir: path.join(scratch, 'tool-state'),
    settings: memorySettings(settingsSchema.parse({ devnet: { autoStart: false } })),
    launcher: await launcher(),
    entries: {
      sandbox: entry('sandbox'),
      compiler: entry('compiler'),
      telemetry: entry('telemetry'),
      storeReader: entry('store-reader'),
      messageStore: entry('message-store'),
      contentStore: entry('content-store'),
    },
  })
  await engine.start()
  const { requestId, asks } = await engine.modules.inspect(bundle, {})
  const granted = asks.map(({ capability }) => capability)
  const name = await engine.modules.install(requestId, granted, false)
  await engine.modules.start(name)
  return { engine, close: () => engine.shutdown() }
}

/** The same component, instantiated for every call in this thread: no process, no permit, no account, no scan. */
async function bareLoop(): Promise<() => void> {
  const component = path.join(bundle, 'module.wasm')
  const { sha256 } = await inspectComponent(component)
  const { directory } = await compileComponent(
    {
      path: component,
      expectedSha256: sha256,
      cacheDir: path.join(scratch, 'tool-artifacts'),
      cacheMaxBytes: 2 ** 30,
      limits: {
        memoryBytes: defaultLimits.memoryBytes,
        initialFuel: defaultLimits.fuelPerCall,
        ...toolTraits.compiledLimits,
      },
    },
    () => undefined,
  )
  const artifact = await loadArtifact(directory)
  const log = { addOwn: () => undefined, drop: () => undefined, flush: () => undefined }
  const callHost = (): never => {
    throw new Error('The call asks nothing of the host.')
  }
  const { params: text, context } = executePayload(operation, params)
  return () => {
    for (let index = 0; index < perBatch; index += 1) {
      const instance = new ToolInstance({ artifact, memoryLimitBytes: defaultLimits.memoryBytes, callHost })
      const response = instance.execute(new ActiveCall(log, 60_000), text, context)
      if (response.tag !== 'failure' || response.val.code !== answer)
        throw new Error(JSON.stringify(response))
    }
  }
}

async function roundTripUs(): Promise<number> {
  const bare = await bareProcess()
  const message = executePayload(operation, params)
  const trips: number[] = []
  for (let batch = -3; batch < batches; batch += 1) {
    const began = performance.now()
    for (let index = 0; index < perBatch; index += 1) await bare.roundTrip(message)
    if (batch >= 0) trips.push(((performance.now() - began) * 1_000) / perBatch)
  }
  bare.child.kill()
  return median(trips)
}
