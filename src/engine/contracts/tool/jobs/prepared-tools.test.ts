/** Entries that are kept, evicted and removed; descriptions are read from files, so no guest runs here. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { toolDeclarationSchema } from '../../../../shared/contracts/tool.ts'
import { defaultLimits } from '../../../../shared/domain/limits.ts'
import { moduleGrants } from '../../../../shared/domain/operator/grants.ts'
import { ForkLauncher } from '../../../sandboxes/fork-launcher.ts'
import { Gate } from '../../../sandboxes/gates/gate.ts'
import { RunnerPool } from '../runners/runner-pool.ts'
import { PreparedTools, preparedKept } from './prepared-tools.ts'
import type { Tool } from './tool.ts'

const here = new AbortController().signal
const rate = { perMinute: 1, perHour: 1 }
const declaration = toolDeclarationSchema.parse({
  limits: { timeoutMs: 1_000, memoryBytes: 65_536, inputBytes: 1_024, outputBytes: 1_024 },
  http: {
    timeoutMs: 1_000,
    maxRequestBytes: 1,
    maxResponseBytes: 1,
    maxEgressBytes: null,
    maxRedirects: 0,
    requestsPerCall: 1,
    rate,
    allow: [],
  },
  credentials: [],
  visibleSecrets: [],
  workspace: { read: [], maxFileBytes: 1 },
  tools: { callsPerCall: 1, rate, alias: {} },
  operations: [{ id: 'a', description: '', effects: [], permission: 'allow' }],
})

let directory: string
let prepared: PreparedTools
let pool: RunnerPool
let compiled = 0

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paddock-prepared-'))
  const clock = new ManualClock()
  const launcher = new ForkLauncher()
  const processes = { launcher, sandboxEntry: 'none', nextGeneration: () => 1, clock }
  pool = new RunnerPool({ processes, clock, onLost: () => undefined })
  prepared = new PreparedTools({
    clock,
    gate: new Gate({ name: 'prepare', permits: 16, clock }),
    pool,
    directory,
  })
})
afterAll(async () => {
  await pool.close()
  await rm(directory, { recursive: true, force: true })
})

async function tool(key: string): Promise<Tool> {
  await writeFile(path.join(directory, `${key}.json`), JSON.stringify({ schema: '{}', description: key }))
  return {
    module: key,
    version: '1.0.0',
    declaration,
    key,
    spec: {
      module: 'a',
      run: 1,
      contract: 'tool',
      artifactDirectory: '/none',
      storePath: null,
      durability: 'event',
      limits: defaultLimits,
      capabilities: {},
      logLevel: 'info',
    },
    grants: moduleGrants({}),
    compile: () => {
      compiled += 1
      return Promise.resolve(`/artifacts/${key}`)
    },
    onFailed: () => undefined,
    onHealthy: () => undefined,
    guestLogs: () => undefined,
    log: () => undefined,
  }
}

describe('spec tools 14 cache', () => {
  it('evicts the oldest idle entry for the 65th, and none that is in use', async () => {
    const keys = Array.from({ length: preparedKept }, (_, index) => `key-${index}`)
    for (const key of keys) await prepared.prepare(await tool(key), here)
    expect([prepared.size, compiled]).toEqual([preparedKept, preparedKept])
    const oldest = prepared.get('key-1')
    // Looked at again, the first is the newest; the one behind it is in use.
    prepared.get('key-0')
    const second = await prepared.prepare(await tool('key-2'), here)
    expect(compiled).toBe(preparedKept)
    if (oldest === undefined) throw new Error('it was evicted')
    for (const key of keys.slice(3)) prepared.get(key)
    second.pins = 1
    await prepared.prepare(await tool('more'), here)
    expect(prepared.size).toBe(preparedKept)
    expect(prepared.get('key-1')).toBeUndefined()
    expect(prepared.get('key-0')?.metadata.description).toBe('key-0')
    expect(prepared.get('key-2')).toBe(second)
  })

  it('prepares anew what was removed, with the artifact as it is now', async () => {
    const before = compiled
    prepared.remove('key-0')
    const again = await prepared.prepare(await tool('key-0'), here)
    expect([compiled - before, again.spec.artifactDirectory]).toEqual([1, '/artifacts/key-0'])
    expect(again.spec.contractData).toMatchObject({ schema: '{}', inputBytes: 1_024, prepareNext: true })
  })
})
