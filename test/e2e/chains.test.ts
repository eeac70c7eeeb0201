/** What an operator does with chains: adding, testing, correcting, removing; the local devnet. */
import { Chains } from './screens/chains.ts'
import { Frame } from './screens/frame.ts'
import { Overview } from './screens/overview.ts'
import { expect, test } from './support/fixtures.ts'

test('a chain is added with its mistakes told in place, tested, and removed', async ({ start, node }) => {
  const { page } = await start({ settings: { devnet: { autoStart: false } } })
  const frame = new Frame(page)
  const chains = new Chains(page)
  await frame.open('Chains')
  await chains.add.click()

  await chains.newId.fill('twelve')
  await expect(page.getByRole('main')).toContainText('Enter the chain id as a number')
  await chains.newId.fill('1337')
  await chains.name.fill('My node')
  if (!(await chains.endpoint(1).isVisible())) await chains.addEndpoint.click()
  for (const [url, problem] of [
    ['127.0.0.1:8545', 'Begin with https:// or wss://'],
    ['ftp://127.0.0.1', 'Use http, https, ws or wss'],
    ['http://127.0.0.1 /', 'blank in the address'],
    ['node', 'not a full address'],
  ] as const) {
    await chains.endpoint(1).fill(url)
    await expect(chains.entry(1)).toContainText(problem)
    await expect(chains.test(1)).toBeDisabled()
    await expect(chains.save).toBeDisabled()
  }

  await chains.endpoint(1).fill('http://127.0.0.1:1')
  await chains.test(1).click()
  await expect(chains.entry(1)).toContainText('chain.unreachable')
  await chains.endpoint(1).fill(node.http)
  await expect(chains.entry(1)).toContainText('Changed since the test')
  await node.mine(3)
  await chains.test(1).click()
  await expect(chains.entry(1)).toContainText(/chain id 1337.*head 3.*ms/)
  await chains.newId.fill('99')
  await chains.test(1).click()
  await expect(chains.entry(1)).toContainText('chain.wrong_chain')
  await expect(chains.entry(1)).toContainText('it answers for chain id 1337')
  await chains.newId.fill('1337')
  await chains.save.click()
  await expect(frame.toasts).toContainText('My node added')
  await expect(chains.head).toHaveText('My node')

  await chains.remove.click()
  await chains.removal.getByRole('button', { name: 'Remove' }).click()
  await expect(frame.toasts).toContainText('My node removed')
  await expect(chains.list.getByRole('link', { name: /My node/ })).toHaveCount(0)
})

test('the local devnet stops and starts again on its own state', async ({ start }) => {
  const paddock = await start()
  const { page } = paddock
  const frame = new Frame(page)
  const chains = new Chains(page)
  await frame.open('Chains')
  await expect(chains.devnet).toContainText('Running')
  const { pid } = (await paddock.snapshot()).devnet
  await chains.stopDevnet.click()
  await expect(chains.devnet).toContainText('Stopped')
  await frame.open('Overview')
  await expect(new Overview(page).firstRun).toContainText('A chain to react to')
  await frame.open('Chains')
  await chains.startDevnet.click()
  await expect(chains.devnet).toContainText('Running')
  expect((await paddock.snapshot()).devnet.pid).not.toBe(pid)
})
