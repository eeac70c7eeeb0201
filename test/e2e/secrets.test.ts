/** A key within an endpoint's address stays in the settings (style guide, S15): a canary that nothing may repeat. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { execFile } from 'node:child_process'
import type { LogRecord } from '../../src/shared/domain/log.ts'
import { writeBundle } from './support/bundles.ts'
import { expect, ownChain, ownChainId, test } from './support/fixtures.ts'

const canary = 'canary4f0e8a2b7c6d5e3f1a9b'

test('the key of an endpoint is in no log, no command line and no file but the settings', async ({
  start,
  folder,
}) => {
  const bundle = await writeBundle(folder, { name: 'reader', fixture: 'counter', chainId: ownChainId })
  const stateDir = path.join(folder, 'state')
  const paddock = await start({
    stateDir,
    settings: {
      devnet: { autoStart: false },
      chains: [
        ownChain(
          `http://user:${canary}@127.0.0.1:1/v2/${canary}?key=${canary}`,
          `ws://127.0.0.1:1/${canary}#${canary}`,
        ),
      ],
    },
    examples: [bundle],
  })
  const chain = async () =>
    (await paddock.snapshot()).chains.find((each) => each.config.chainId === String(ownChainId))!
  await expect.poll(async () => (await chain()).status).toBe('down')
  await paddock.call('chains', 'test', {
    chainId: String(ownChainId),
    url: `http://127.0.0.1:1/${canary}`,
  })

  const { config, ...told } = await chain()
  expect(JSON.stringify(config)).toContain(canary)
  expect(JSON.stringify(told)).not.toContain(canary)
  const { chains: _chains, ...others } = await paddock.snapshot()
  expect(JSON.stringify(others)).not.toContain(canary)
  const query = { filter: { minLevel: 'trace' }, before: null, limit: 1_000 }
  const { records } = (await paddock.call('logs', 'query', query)) as { records: LogRecord[] }
  expect(records.length).toBeGreaterThan(0)
  expect(JSON.stringify(records)).not.toContain(canary)
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'args='])
  expect(stdout).not.toContain(canary)

  await paddock.quit()
  const holding: string[] = []
  for (const entry of await readdir(stateDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    if ((await readFile(file)).includes(canary)) holding.push(path.relative(stateDir, file))
  }
  expect(holding).toEqual(['settings.json'])
})
