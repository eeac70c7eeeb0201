/** Judges a screen as people see it: axe in both themes, and pictures for the guides. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect } from './fixtures.ts'
import { root } from './paddock.ts'

/** The guides' own pictures are only replaced when asked for, so that a test run leaves the project as it was. */
const pictures = path.join(root, process.env['PADDOCK_PICTURES'] ?? 'test-results/pictures')

/** Pictures what is on screen in each theme as `<name>-<theme>.png`; what hinders people is a soft failure. */
export async function look(page: Page, name: string): Promise<void> {
  await mkdir(pictures, { recursive: true })
  const before = await page.evaluate(() => document.documentElement.dataset['theme'] ?? 'dark')
  for (const theme of ['light', 'dark']) {
    await page.evaluate((next) => (document.documentElement.dataset['theme'] = next), theme)
    await page.evaluate(() =>
      Promise.allSettled(document.getAnimations().map((animation) => animation.finished)),
    )
    // The page's policy forbids the frame that axe would open beside it.
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)
    expect.soft(found, `${name}, ${theme}`).toEqual([])
    await page.screenshot({ path: path.join(pictures, `${name}-${theme}.png`) })
  }
  await page.evaluate((theme) => (document.documentElement.dataset['theme'] = theme), before)
}
