/** A console with something on every screen: a devnet, both examples, one module that fails, one that waits. */
import path from 'node:path'
import { chainConfigSchema } from '../../../src/shared/domain/chain.ts'
import { Chains } from '../screens/chains.ts'
import { ConsentSheet } from '../screens/consent-sheet.ts'
import { Frame } from '../screens/frame.ts'
import type { ScreenName } from '../screens/frame.ts'
import { ModuleScreen } from '../screens/module.ts'
import type { ModuleTab } from '../screens/module.ts'
import { Modules } from '../screens/modules.ts'
import { Palette } from '../screens/palette.ts'
import { examples, writeBundle } from './bundles.ts'
import { expect } from './fixtures.ts'
import { numbersFlow } from './flow-samples.ts'
import type { Paddock, StartOptions } from './paddock.ts'

export interface Stop {
  /** Names the picture. */
  readonly name: string
  readonly show: () => Promise<void>
  /** Takes back what lies over the screen. */
  readonly leave?: () => Promise<void>
}

/** What the tour starts from. */
export async function tourOptions(folder: string): Promise<StartOptions> {
  const trap = await writeBundle(folder, {
    name: 'fee-alert',
    fixture: 'trap',
    chainId: 31337,
    capabilities: ['local-store'],
  })
  const flood = await writeBundle(folder, {
    name: 'tick-printer',
    fixture: 'log-flood',
    chainId: 31337,
    capabilities: ['logging'],
    config: { lines: '3' },
  })
  const flow = await numbersFlow(folder)
  const outside = path.join(folder, 'shared/clone-transform.wasm')
  return {
    settings: {
      flows: [
        {
          id: 'numbers.main',
          file: path.join(flow, 'Torvyn.toml'),
          flow: 'main',
          granted: ['flip/wasi-clocks', `enrich/file:${outside}`],
          enabled: true,
        },
      ],
      chains: [
        chainConfigSchema.parse({
          chainId: '8453',
          name: 'Base',
          endpoints: [{ url: 'wss://127.0.0.1:9/base' }, { url: 'http://127.0.0.1:9/' }],
        }),
      ],
    },
    examples: [examples.blockLogger, examples.balanceWatch, examples.httpStatus, trap, flood],
  }
}

/** Waits until the modules have handled some blocks, so that every figure has a value. */
export async function settle(paddock: Paddock, blocks: number): Promise<void> {
  const counted = async () => {
    const { modules } = await paddock.snapshot()
    return Math.min(
      ...['block-logger', 'balance-watch'].map(
        (name) => modules.find((module) => module.name === name)?.usage.dispatches ?? 0,
      ),
    )
  }
  await expect.poll(counted, { timeout: 60_000 }).toBeGreaterThanOrEqual(blocks)
  const isDead = async () =>
    (await paddock.snapshot()).modules.find((module) => module.name === 'fee-alert')?.status.state === 'dead'
  await expect.poll(isDead, { timeout: 60_000 }).toBe(true)
}

/** Every screen, one after the other. */
export function tour(paddock: Paddock, folder: string): Stop[] {
  const { page } = paddock
  const frame = new Frame(page)
  const modules = new Modules(page)
  const module = new ModuleScreen(page)
  const consent = new ConsentSheet(page)
  const palette = new Palette(page)
  const chains = new Chains(page)
  const screen = (name: ScreenName): Stop => ({ name: name.toLowerCase(), show: () => frame.open(name) })
  const tab = (tabName: ModuleTab): Stop => ({
    name: `module-${tabName.toLowerCase()}`,
    show: async () => {
      await frame.open('Modules')
      await modules.open('balance-watch')
      await module.show(tabName)
      if (tabName !== 'State') return
      await page.getByRole('grid', { name: 'Keys' }).getByRole('row').nth(1).click()
      await expect(page.getByLabel(/^Value of /)).toBeVisible()
    },
  })
  return [
    screen('Overview'),
    screen('Modules'),
    tab('Activity'),
    tab('Logs'),
    tab('Resources'),
    tab('Capabilities'),
    tab('State'),
    tab('Configuration'),
    {
      name: 'module-quarantined',
      show: async () => {
        await frame.open('Modules')
        await modules.open('fee-alert')
      },
    },
    {
      name: 'chains',
      show: async () => {
        await frame.open('Chains')
        await chains.open('Local devnet')
      },
    },
    {
      name: 'chain-add',
      show: async () => {
        await frame.open('Chains')
        await chains.add.click()
        await chains.newId.fill('1')
      },
    },
    screen('Flows'),
    {
      name: 'flow',
      show: async () => {
        await frame.open('Flows')
        await page
          .getByRole('grid', { name: 'All flows' })
          .getByRole('row', { name: /numbers/ })
          .click()
        await page
          .getByRole('grid', { name: 'Stages' })
          .getByRole('row', { name: /enrich/ })
          .click()
        await expect(page.getByRole('region', { name: 'Facts of enrich' })).toBeVisible()
      },
    },
    screen('Tools'),
    {
      name: 'tools-server',
      show: async () => {
        await frame.open('Tools')
        await page.getByRole('link', { name: /^Tool server/ }).click()
        await expect(page.getByRole('switch', { name: 'Serve tools on this machine' })).toBeVisible()
      },
    },
    screen('Logs'),
    screen('Settings'),
    {
      name: 'install',
      show: async () => {
        await frame.open('Overview')
        await paddock.drop(
          await writeBundle(path.join(folder, 'new'), {
            name: 'reserve-watch',
            fixture: 'chain-caller',
            chainId: 31337,
            capabilities: ['chain', 'local-store'],
          }),
        )
        await expect(consent.dialog).toBeVisible()
      },
      leave: () => consent.refuse.click(),
    },
    {
      name: 'palette',
      show: async () => {
        await frame.paletteTrigger.click()
        await palette.field.fill('re')
      },
      leave: () => page.keyboard.press('Escape'),
    },
    {
      name: 'keys',
      show: async () => {
        await frame.open('Modules')
        await page.keyboard.press('?')
        await expect(page.getByRole('dialog', { name: 'Keys of this screen' })).toBeVisible()
      },
      leave: () => page.keyboard.press('Escape'),
    },
    {
      name: 'remove',
      show: async () => {
        await frame.open('Modules')
        await modules.open('balance-watch')
        await module.more.click()
        await page.getByRole('menuitem', { name: 'Remove…' }).click()
        await expect(page.getByRole('alertdialog')).toBeVisible()
      },
      leave: () => page.keyboard.press('Escape'),
    },
  ]
}
