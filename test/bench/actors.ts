/** Requests to actors whose databases are here, against the same over loopback in another engine, in one run. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { closeEngines, startEngine } from '../support/engine.ts'
import { actorBundle, TestActors } from '../support/actors.ts'
import type { Finding } from './measure.ts'
import { scratch } from './support.ts'

const rounds = 300
const statements = 50

/** Microseconds of one request, median. */
async function requestUs(actors: TestActors, method: string, payload: unknown): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now()
    await actors.request('a', method, payload)
    times.push((performance.now() - began) * 1_000)
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0
}

export async function actors(): Promise<Finding[]> {
  const token = 'a-token-for-measurements'
  const tokenFile = path.join(scratch, 'token')
  writeFileSync(tokenFile, token)
  const engine = await startEngine()
  const served = await (await startEngine()).engine.contracts.actors.serve({ port: 0, token })
  const near = new TestActors(engine, await engine.load(await actorBundle('probe', { name: 'near' })))
  const far = new TestActors(engine, await engine.load(await actorBundle('probe', { name: 'far' }), false))
  engine.engine.modules.setActorEngine('far', { url: served.url, tokenFile })
  await engine.engine.modules.start('far')
  const selectOne = { sql: 'SELECT text FROM log WHERE id = ?', values: [1] }
  const insertOne = { sql: 'INSERT INTO log(text) VALUES (?)', values: ['x'] }
  const batch = { texts: Array.from({ length: statements }, () => 'x') }
  const cases = [
    ['point select', 'all', selectOne],
    ['insert', 'run', insertOne],
    [`batch of ${statements} inserts`, 'batch-insert', batch],
  ] as const
  const findings: Finding[] = []
  for (const [name, method, payload] of cases) {
    await near.request('a', method, payload)
    await far.request('a', method, payload)
    const nearUs = await requestUs(near, method, payload)
    const farUs = await requestUs(far, method, payload)
    findings.push({
      name: `${name}, remote over local`,
      what: 'one request of one statement, the database in another engine over loopback against here',
      value: farUs / nearUs,
      unit: '×',
      goal: null,
      detail: `${farUs.toFixed(0)} µs over ${nearUs.toFixed(0)} µs`,
    })
  }
  await closeEngines()
  return findings
}
