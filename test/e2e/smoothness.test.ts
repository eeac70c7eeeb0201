/** The window answers at once while ten modules work (style guide: no task of the page over 50 ms). */
import { Frame } from './screens/frame.ts'
import type { ScreenName } from './screens/frame.ts'
import { writeBundle } from './support/bundles.ts'
import { expect, ownChain, ownChainId, test } from './support/fixtures.ts'

test('no task of the page is long while ten modules handle blocks', async ({ start, folder, node }) => {
  const names = Array.from({ length: 10 }, (_, index) => `worker-${index}`)
  const examples: string[] = []
  for (const name of names) {
    const config = { lines: '5' }
    const capabilities = ['logging']
    examples.push(
      await writeBundle(folder, { name, fixture: 'log-flood', chainId: ownChainId, capabilities, config }),
    )
  }
  const paddock = await start({
    settings: { devnet: { autoStart: false }, chains: [ownChain(node.ws)] },
    examples,
  })
  const { page } = paddock
  const running = async () =>
    (await paddock.snapshot()).modules.filter((module) => module.status.state === 'running').length
  await expect.poll(running, { timeout: 60_000 }).toBe(10)
  await page.evaluate(() => {
    const tasks: number[] = []
    Object.assign(window, { longTasks: tasks })
    new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map((entry) => entry.duration)),
    ).observe({
      entryTypes: ['longtask'],
    })
  })
  const frame = new Frame(page)
  for (const screen of ['Modules', 'Logs', 'Overview', 'Chains'] satisfies ScreenName[]) {
    await frame.open(screen)
    for (let round = 0; round < 5; round++) await node.mine(1)
    const head = Number(await node.rpc('eth_blockNumber', []))
    const done = async () => {
      const { modules } = await paddock.snapshot()
      return Math.min(...modules.map((module) => module.usage.dispatches))
    }
    await expect.poll(done).toBeGreaterThanOrEqual(head)
  }
  const tasks = await page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks)
  // The browser counts from 50 ms. Opening one of four screens may take one such task on a busy machine.
  expect(tasks.length, `tasks over 50 ms: ${tasks.map(Math.round).join(', ')}`).toBeLessThanOrEqual(2)
  expect(tasks.filter((duration) => duration > 100)).toEqual([])
})
