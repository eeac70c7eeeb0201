/** What every end-to-end test starts from: temporary folders, apps and nodes that go when the test ends. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { expect, test as base } from '@playwright/test'
import { chainConfigSchema, type ChainConfig } from '../../../src/shared/domain/chain.ts'
import { Anvil } from '../../support/anvil.ts'
import { Paddock, temporaryFolder } from './paddock.ts'
import type { StartOptions } from './paddock.ts'

/** A chain id that the local devnet does not have. */
export const ownChainId = 1337

interface Tools {
  /** A folder of the test's own. */
  readonly folder: string
  /** Starts the app; it is quit, and must have been without faults, when the test ends. */
  readonly start: (options?: StartOptions) => Promise<Paddock>
  /** A real node of chain 1337 that mines when told. */
  readonly node: Anvil
}

export const test = base.extend<Tools>({
  folder: async ({}, use) => {
    const folder = await temporaryFolder('test')
    await use(folder)
    await rm(folder, { recursive: true, force: true })
  },
  start: async ({}, use) => {
    const started: Paddock[] = []
    await use(async (options) => {
      const paddock = await Paddock.start(options)
      started.push(paddock)
      return paddock
    })
    const faults: string[] = []
    for (const paddock of started) {
      if (paddock.isOpen) faults.push(...(await paddock.faultsLogged()))
      await paddock.quit()
      faults.push(...paddock.faults)
    }
    expect(faults, 'faults of Paddock itself').toEqual([])
  },
  node: async ({ folder }, use) => {
    const anvil = await new Anvil(['--chain-id', String(ownChainId)]).start(path.join(folder, 'chain.json'))
    await use(anvil)
    await anvil.end('SIGKILL')
  },
})

/** The settings of a chain whose heads are asked for as often as may be. */
export function ownChain(...urls: readonly string[]): ChainConfig {
  return chainConfigSchema.parse({
    chainId: String(ownChainId),
    name: 'Own chain',
    endpoints: urls.map((url) => ({ url })),
    pollIntervalMs: 250,
    requestTimeoutMs: 5_000,
  })
}

export { expect } from '@playwright/test'
