import { compare, type Finding } from './measure.ts'
import { bareProcess, startSandbox } from './support.ts'

/** From a cached artifact to a running module, against a bare process that compiles the same wasm. */
export async function load(): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const name of ['counter', 'block-logger']) {
    const result = await compare(
      async () => {
        const sandbox = await startSandbox(name)
        await sandbox.stop(1_000)
      },
      async () => {
        const bare = await bareProcess()
        await bare.roundTrip({ hello: true })
        const ended = new Promise<void>((resolve) => bare.child.onExit(() => resolve()))
        bare.child.kill()
        await ended
      },
      { batches: 8, operations: 1 },
    )
    findings.push({
      name: `cached load to running, ${name}`,
      what: 'launch, instantiate, init and stop over starting and stopping a bare process',
      value: result.ratio,
      unit: '×',
      goal: null,
      detail: `${(result.ours / 1_000).toFixed(0)} ms over ${(result.bare / 1_000).toFixed(0)} ms`,
    })
  }
  return findings
}
