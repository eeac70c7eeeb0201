/**
 * An engine in a process of its own, to be killed: `engine-child.ts STATE_DIR CHAIN_URL [BUNDLE]`. Its
 * settings are on disk. Prints `running` and `block <number>` for each event its modules committed. A start in safe
 * mode prints `safe mode`, and stays in it only where BUNDLE is `--stay-safe`.
 */
import { join } from 'node:path'
import { chainOf, fileSettings, TestEngine } from './engine.ts'

const [stateDir, url, bundle] = process.argv.slice(2)
if (stateDir === undefined || url === undefined)
  throw new Error('usage: engine-child.ts STATE_DIR CHAIN_URL [BUNDLE]')

const settings = fileSettings(join(stateDir, 'settings.json'), {
  devnet: { autoStart: false },
  chains: [chainOf(url)],
})
const test = new TestEngine(stateDir, { settings })
test.engine.modules.onAnyDispatch((_, { result, blockNumber }) => {
  if (result === 'committed') process.stdout.write(`block ${blockNumber}\n`)
})
await test.engine.start()
const { safeMode } = test.engine.state.snapshot().engine
if (safeMode) process.stdout.write('safe mode\n')
if (bundle === '--stay-safe') await new Promise(() => undefined)
if (safeMode) await test.engine.leaveSafeMode()
if (bundle !== undefined) await test.load(bundle)
await test.when('the chain is live', () => test.engine.chains.views()[0]?.status === 'live')
process.stdout.write('running\n')
