import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, it } from 'vitest'
import { Anvil } from '../../support/anvil.ts'
import {
  bundleOf,
  chainOf,
  closeEngines,
  startEngine,
  temporaryFolder,
  type TestEngine,
} from '../../support/engine.ts'
import { flowFolder, type FlowText } from '../../support/flow-folder.ts'
import { until } from '../../support/until.ts'

const anvils: Anvil[] = []

afterEach(async () => {
  await closeEngines()
  await Promise.all(anvils.splice(0).map((anvil) => anvil.end('SIGKILL')))
})

async function startAnvil(): Promise<Anvil> {
  const anvil = await new Anvil().start(join(await temporaryFolder(), 'state.json'))
  anvils.push(anvil)
  return anvil
}

function whenLive(test: TestEngine): Promise<void> {
  return test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
}

const topic = '/paddock/1/blocks/json'

describe('contracts compose through flows', () => {
  it('takes blocks of a chain through a stage to a topic, where an event module handles them', async () => {
    const anvil = await startAnvil()
    const test = await startEngine({ chains: [chainOf(anvil.ws)] })
    const module = await test.load(
      await bundleOf('counter', {
        name: 'listener',
        chainId: null,
        more: `[[subscription]]\nkind = "message"\ncontent_topic = "${topic}"`,
      }),
    )
    await test.whenState(module, 'running')
    const { id } = await test.engine.flows.add(
      {
        path: await flowFolder({
          nodes: {
            blocks: { component: 'blocks:31337' },
            copy: { component: 'clone-transform' },
            out: { component: `topic:${topic}` },
          },
          edges: ['blocks -> copy', 'copy -> out'],
        }),
      },
      [],
    )
    await test.engine.flows.start(id)
    await whenLive(test)
    await anvil.mine(3)
    await until(async () => expect(await test.stored(module, 'count/3')).toBe('3'))
    const view = test.engine.flows.list()[0]
    expect(view).toMatchObject({
      state: 'running',
      graph: { nodes: [{ isHost: true }, { isHost: false }, { isHost: true }] },
    })
    const end = await test.engine.flows.drain(id)
    expect(end.figures).toMatchObject({ elements: 3, delivered: 3, dropped: 0, liveBuffers: 0 })
  })

  it('goes on behind the last block it was done with, and keeps what comes out in a store', async () => {
    const anvil = await startAnvil()
    const flow: FlowText = {
      nodes: { blocks: { component: 'blocks:31337' }, kept: { component: 'store:seen' } },
      edges: ['blocks -> kept'],
    }
    const folder = await flowFolder(flow)
    const first = await startEngine({ chains: [chainOf(anvil.ws)] })
    const { id } = await first.engine.flows.add({ path: folder }, [])
    const numbers = (): number[] => {
      const database = new Database(join(first.stateDir, 'flows', id, 'seen.db'), { readonly: true })
      try {
        const rows = database.prepare('SELECT bytes FROM element ORDER BY id').all() as { bytes: Buffer }[]
        return rows.map(({ bytes }) => (JSON.parse(bytes.toString()) as { number: number }).number)
      } finally {
        database.close()
      }
    }
    await first.engine.flows.start(id)
    await whenLive(first)
    await anvil.mine(2)
    await until(() => expect(numbers()).toEqual([1, 2]))
    await first.engine.shutdown()
    // Nobody looks while these come.
    await anvil.mine(3)
    const second = await startEngine({
      stateDir: first.stateDir,
      settings: first.settings,
      chains: [chainOf(anvil.ws)],
    })
    await until(() => expect(numbers()).toEqual([1, 2, 3, 4, 5]))
    await second.engine.flows.cancel(id)
  })

  it('fails a flow whose chain is not configured, with what to do', async () => {
    const { engine } = await startEngine()
    const folder = await flowFolder({
      nodes: { blocks: { component: 'blocks:77' }, sink: { component: 'sum-sink' } },
      edges: ['blocks -> sink'],
    })
    const { id } = await engine.flows.add({ path: folder }, [])
    await expect(engine.flows.start(id)).rejects.toMatchObject({ code: 'module.chain_not_configured' })
    expect(engine.flows.list()[0]?.state).toBe('failed')
    await until(() => expect(engine.flows.list()[0]?.pid).toBeNull())
  })
})
