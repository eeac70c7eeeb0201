/** Every screen in both themes: nothing that hinders people (axe), and pictures for the guides. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { expect, test } from './support/fixtures.ts'
import { root } from './support/paddock.ts'
import { settle, tour, tourOptions } from './support/tour.ts'

/** The guides' own pictures are only replaced when asked for, so that a test run leaves the project as it was. */
const pictures = path.join(root, process.env['PADDOCK_PICTURES'] ?? 'test-results/pictures')

test('every screen in both themes is accessible, and is pictured', async ({ start, folder }) => {
  test.setTimeout(240_000)
  await mkdir(pictures, { recursive: true })
  const paddock = await start(await tourOptions(folder))
  const { page } = paddock
  await settle(paddock, 8)
  for (const theme of ['dark', 'light'] as const) {
    await paddock.call('preferences', 'set', { theme })
    // The page paints what it was told at its next start.
    await page.reload()
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme)
    for (const stop of tour(paddock, folder)) {
      await test.step(`${stop.name}, ${theme}`, async () => {
        await stop.show()
        // Fonts and transitions are part of what is judged.
        await page.evaluate(() =>
          Promise.all(document.getAnimations().map((animation) => animation.finished)),
        )
        // The page's policy forbids the frame that axe would open beside it.
        const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
        const found = violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`,
        )
        expect.soft(found, `${stop.name}, ${theme}`).toEqual([])
        await page.screenshot({ path: path.join(pictures, `${stop.name}-${theme}.png`) })
        await stop.leave?.()
      })
    }
  }
})
