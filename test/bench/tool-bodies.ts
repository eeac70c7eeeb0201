import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { IdleProcess, LoopDelayMeter } from '../faults/loop-delay.ts'
import { closeEngines } from '../support/engine.ts'
import { TestTools } from '../support/tool-engine.ts'
import type { Finding } from './measure.ts'

const mebibyte = 1_048_576
const rounds = 10
/** A server on a thread of its own, so that what it costs is not the engine's. */
const echo = `
  const { createServer } = require('node:http')
  const server = createServer((request, response) => request.pipe(response))
  server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port))
`

/** How late the engine's loop is while guests send and receive bodies of 10 MiB through the broker. */
export async function toolBodies(): Promise<Finding[]> {
  const server = new Worker(echo, { eval: true })
  const [port] = (await once(server, 'message')) as [number]
  const tools = await TestTools.start({ ownBroker: true })
  try {
    await tools.load({
      name: 'probe',
      ports: [port],
      http: { max_request_bytes: 10 * mebibyte, max_response_bytes: 10 * mebibyte },
    })
    const step = { do: 'http', method: 'POST', url: `http://127.0.0.1:${port}/`, size: 10 * mebibyte }
    const exchange = async (): Promise<void> => {
      const answer = (await tools.output('probe', { step })) as { same?: boolean }
      if (answer.same !== true) throw new Error(`the body did not come back: ${JSON.stringify(answer)}`)
    }
    await exchange()
    const idleProcess = await IdleProcess.start()
    const meter = new LoopDelayMeter()
    const began = performance.now()
    for (let round = 0; round < rounds; round += 1) await Promise.all([exchange(), exchange()])
    const eachMs = (performance.now() - began) / rounds
    const { p99, max } = meter.end()
    const idle = await idleProcess.end()
    return [
      {
        name: 'loop delay under large bodies',
        what: 'p99 of the engine’s loop, two guests with 10 MiB each way, over an idle process beside it',
        value: Math.max(0, p99 - idle.p99),
        unit: 'ms',
        goal: { kind: 'at most', value: 16 },
        detail:
          `${p99.toFixed(1)} (longest ${max.toFixed(1)}) over ${idle.p99.toFixed(1)} (${idle.max.toFixed(1)}) ms; ` +
          `two calls with 20 MiB each take ${eachMs.toFixed(0)} ms`,
      },
    ]
  } finally {
    await closeEngines()
    await tools.close()
    await server.terminate()
  }
}
