import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChainPool } from '../../src/engine/chains/chain-pool.ts'
import { Devnet } from '../../src/engine/devnet/devnet.ts'
import type { DevnetOptions } from '../../src/engine/devnet/devnet.ts'
import { chainConfigSchema } from '../../src/shared/domain/chain.ts'
import { until } from '../support/until.ts'

const devnets: Devnet[] = []
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paddock-devnet-'))
})

afterEach(async () => {
  await Promise.all(devnets.splice(0).map((devnet) => devnet.dispose()))
  await rm(directory, { recursive: true })
})

function create(options: Partial<DevnetOptions> = {}): { devnet: Devnet; states: string[] } {
  const devnet = new Devnet({ resolveFrom: process.cwd(), ...options })
  devnets.push(devnet)
  const states: string[] = []
  devnet.onDidChange(() => states.push(devnet.view().state))
  return { devnet, states }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function script(text: string): Promise<string> {
  const path = join(directory, 'program.sh')
  await writeFile(path, `#!/bin/sh\n${text}\n`)
  await chmod(path, 0o755)
  return path
}

describe('the local devnet', () => {
  it('starts, mines a block every two seconds, stops and starts again', async () => {
    const { devnet, states } = create()
    const view = await devnet.start()
    expect(view).toMatchObject({ state: 'running', chainId: '31337', blockTimeSeconds: 2, error: null })
    expect(isAlive(view.pid!)).toBe(true)
    expect(await devnet.start()).toEqual(view)
    const pool = new ChainPool()
    const endpoints = [{ url: view.url! }]
    pool.configure([
      chainConfigSchema.parse({
        chainId: '31337',
        name: 'Devnet',
        endpoints,
        pollIntervalMs: 250,
        requestTimeoutMs: 5_000,
      }),
    ])
    const blocks: bigint[] = []
    pool.subscribeHeads('31337', (block) => blocks.push(block.timestampMs))
    await until(() => expect(blocks).toHaveLength(3))
    expect([blocks[1]! - blocks[0]!, blocks[2]! - blocks[1]!]).toEqual([2_000n, 2_000n])
    pool.dispose()
    expect(await devnet.stop()).toMatchObject({ state: 'stopped', url: null, pid: null, error: null })
    expect(isAlive(view.pid!)).toBe(false)
    await devnet.start()
    expect(states).toEqual(['starting', 'running', 'stopped', 'starting', 'running'])
  })

  it('runs beside another one', async () => {
    const [one, two] = await Promise.all([create().devnet.start(), create().devnet.start()])
    expect(one.url).not.toBe(two.url)
  })

  it('keeps its chain between runs when given a file', async () => {
    const { devnet } = create({ statePath: join(directory, 'devnet.json') })
    const head = async (): Promise<number> => {
      const pool = new ChainPool()
      const endpoints = [{ url: devnet.view().url! }]
      pool.configure([
        chainConfigSchema.parse({
          chainId: '31337',
          name: 'Devnet',
          endpoints,
          pollIntervalMs: 250,
          requestTimeoutMs: 5_000,
        }),
      ])
      const number = Number(JSON.parse(await pool.request('31337', 'eth_blockNumber', '[]')))
      pool.dispose()
      return number
    }
    await devnet.start()
    await until(async () => expect(await head()).toBeGreaterThan(1))
    await devnet.stop()
    await devnet.start()
    expect(await head()).toBeGreaterThan(1)
  })

  it('says that it was killed, and can be started again', async () => {
    const { devnet } = create()
    const { pid } = await devnet.start()
    process.kill(pid!, 'SIGKILL')
    await until(() => expect(devnet.view().state).toBe('failed'))
    expect(devnet.view()).toMatchObject({ url: null, pid: null, error: { code: 'devnet.failed' } })
    expect(devnet.view().error!.message).toContain('Listening on')
    expect(await devnet.start()).toMatchObject({ state: 'running', error: null })
  })

  it('tells the last output of a program that fails to start', async () => {
    const { devnet } = create({ binary: await script('echo one; echo two >&2; exit 7') })
    await expect(devnet.start()).rejects.toMatchObject({ code: 'devnet.failed' })
    expect(devnet.view().state).toBe('failed')
    expect(devnet.view().error!.message).toMatch(/exit code 7/)
    expect(devnet.view().error!.details).toEqual({ output: expect.arrayContaining(['one', 'two']) })
  })

  it('fails when what listens there does not answer, and leaves nothing running', async () => {
    const { devnet } = create({
      binary: await script('echo $$; echo "Listening on 127.0.0.1:9"; exec sleep 1000'),
    })
    await expect(devnet.start()).rejects.toMatchObject({ code: 'devnet.failed' })
    expect(devnet.view()).toMatchObject({ state: 'failed', pid: null })
    const { output } = devnet.view().error!.details as { output: string[] }
    expect(isAlive(Number(output[0]))).toBe(false)
  })

  it('is unavailable where its program is not installed', async () => {
    const { devnet } = create({ resolveFrom: directory })
    await expect(devnet.start()).rejects.toMatchObject({ code: 'devnet.unavailable' })
    expect(devnet.view()).toMatchObject({ state: 'unavailable', error: { code: 'devnet.unavailable' } })
  })

  it('stops also while it is starting', async () => {
    const { devnet } = create()
    const start = devnet.start().then(
      () => 'started',
      () => 'given up',
    )
    expect(await devnet.stop()).toMatchObject({ state: 'stopped', pid: null })
    await start
    expect(devnet.view()).toMatchObject({ state: 'stopped', pid: null })
  })

  it.each([['SIGKILL'], ['--exit']])('ends with the process that started it (%s)', async (how) => {
    const args = [
      join(import.meta.dirname, '../support/devnet-parent.ts'),
      ...(how === '--exit' ? [how] : []),
    ]
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = once(parent, 'exit')
    const pid = Number((await once(createInterface({ input: parent.stdout }), 'line'))[0])
    expect(pid).toBeGreaterThan(0)
    if (how === 'SIGKILL') {
      expect(isAlive(pid)).toBe(true)
      parent.kill('SIGKILL')
    }
    await exit
    await until(() => expect(isAlive(pid)).toBe(false))
  })
})
