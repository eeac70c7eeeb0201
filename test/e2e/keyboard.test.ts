/** Everything of the core flow by keyboard alone: load, consent, inspect; palette, theme, keys. */
import { ConsentSheet } from './screens/consent-sheet.ts'
import { Frame } from './screens/frame.ts'
import { ModuleScreen, StateTab } from './screens/module.ts'
import { Modules } from './screens/modules.ts'
import { Palette } from './screens/palette.ts'
import { writeBundle } from './support/bundles.ts'
import { expect, ownChain, ownChainId, test } from './support/fixtures.ts'

test('load, consent and inspect without a pointer', async ({ start, folder, node }) => {
  const bundle = await writeBundle(folder, { name: 'by-keys', fixture: 'counter', chainId: ownChainId })
  const paddock = await start({
    settings: { devnet: { autoStart: false }, chains: [ownChain(node.ws)] },
  })
  const { page } = paddock
  const { keyboard } = page
  const palette = new Palette(page)
  const consent = new ConsentSheet(page)
  const module = new ModuleScreen(page)
  await paddock.answerOpenDialog(bundle)

  await keyboard.press('Control+k')
  await expect(palette.field).toBeFocused()
  await keyboard.type('module from folder')
  await expect(palette.options.first()).toHaveText(/Add module from folder…/)
  await keyboard.press('Enter')

  await expect(consent.refuse).toBeFocused()
  for (const stop of [consent.installStopped, consent.allow]) {
    await keyboard.press('Tab')
    await expect(stop).toBeFocused()
  }
  // Round and back: the focus never leaves the dialog.
  for (let step = 0; step < 12; step++) {
    await keyboard.press('Tab')
    await expect(consent.dialog.locator(':focus')).toHaveCount(1)
  }
  await consent.allow.focus()
  await keyboard.press('Enter')
  await expect(consent.dialog).toBeHidden()

  await keyboard.press('g')
  await keyboard.press('m')
  await expect(new Modules(page).row('by-keys')).toContainText('Running')
  await keyboard.press('j')
  await expect(new Modules(page).row('by-keys')).toBeFocused()
  await keyboard.press('Enter')
  await module.isRunning()
  await node.mine(1)
  await expect(
    page.getByRole('tabpanel').getByRole('row', { name: /block Own chain 1 committed/ }),
  ).toBeVisible()
  await keyboard.press('5')
  await expect(page.getByRole('tab', { name: 'State' })).toHaveAttribute('aria-selected', 'true')
  const state = new StateTab(page)
  await keyboard.press('/')
  await expect(state.prefix).toBeFocused()
  await keyboard.type('count/')
  await expect(state.totals).toContainText('1 of 2 keys')
  // Past the actions of the store to its list, which chooses the key that is focused.
  for (let step = 0; step < 8 && !(await state.value.innerText()).includes('count/0'); step++) {
    await keyboard.press('Tab')
  }
  await expect(state.value).toContainText('count/0')
  await keyboard.press('Escape')
})

test('the palette, the key sheet and the theme', async ({ start }) => {
  const { page } = await start({ settings: { devnet: { autoStart: false }, theme: 'dark' } })
  const { keyboard } = page
  const frame = new Frame(page)
  const palette = new Palette(page)
  const html = page.locator('html')
  await expect(html).toHaveAttribute('data-theme', 'dark')
  await frame.themeSwitch.click()
  await expect(html).toHaveAttribute('data-theme', 'light')
  await expect(page.locator('body')).toHaveCSS('color-scheme', 'light')

  await frame.paletteTrigger.click()
  await palette.field.fill('zzzz')
  await expect(palette.dialog).toContainText('Nothing matches')
  await palette.field.fill('>theme')
  await keyboard.press('Enter')
  await expect(palette.dialog).toBeHidden()
  await expect(html).toHaveAttribute('data-theme', 'dark')

  await keyboard.press('Control+k')
  await palette.field.fill('chains')
  await keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Chains' })).toBeVisible()
  await keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keys of this screen' })).toContainText('Next chain')
  await keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
})
