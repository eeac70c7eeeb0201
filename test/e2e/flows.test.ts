/** Flows as an operator works with them: the real app, real compiled stages in a real sandbox (issue 7, "Console"). */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { Flows } from './screens/flows.ts'
import { expect, test } from './support/fixtures.ts'
import { numbersFlow } from './support/flow-samples.ts'
import { root } from './support/paddock.ts'
import { resize } from './support/resize.ts'

const pictures = path.join(root, process.env['PADDOCK_PICTURES'] ?? 'test-results/pictures')

async function judge(page: Page, name: string): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)))
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)
  expect.soft(found, name).toEqual([])
  await page.screenshot({ path: path.join(pictures, `${name}.png`) })
}

test('a flow is added, watched, paused, traced, edited and drained', async ({ start, folder }) => {
  test.setTimeout(240_000)
  await mkdir(pictures, { recursive: true })
  const flowFolder = await numbersFlow(folder)
  const paddock = await start({ settings: { theme: 'dark', devnet: { autoStart: false } } })
  const { page } = paddock
  const flows = new Flows(page)

  await test.step('the empty list teaches', async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('f')
    await expect(page.getByRole('heading', { name: 'No flow yet' })).toBeVisible()
    await judge(page, 'flows-none-dark')
  })

  await test.step('what its stages ask for is shown before it is added', async () => {
    await paddock.answerOpenDialog(flowFolder, flowFolder)
    await flows.addFrom('folder')
    await expect(flows.consent).toContainText('Lets "flip" use')
    await expect(flows.consent).toContainText('lies outside the folder of the flow')
    await expect(flows.consent.getByRole('button', { name: 'Don’t add' })).toBeFocused()
    await judge(page, 'flow-consent-dark')
    await page.keyboard.press('Escape')
    await expect(page.getByRole('heading', { name: 'No flow yet' })).toBeVisible()
    await flows.addFrom('folder')
    await flows.consent.getByRole('button', { name: 'Allow 2 and start' }).click()
    await expect(flows.state).toHaveText(/^(Running|Held back)/)
  })

  await test.step('its figures move, and show where it is held back', async () => {
    await expect(flows.stage('enrich')).toContainText(/[3-6]\d\/64/, { timeout: 30_000 })
    await expect(flows.state).toHaveText(/Held back\s*at (slow|enrich)/)
    await flows.stage('numbers').focus()
    await page.keyboard.press('ArrowRight')
    await expect(flows.stage('flip')).toBeFocused()
    await page.keyboard.press('Enter')
    const before = await flows.elements()
    await expect.poll(() => flows.elements()).toBeGreaterThan(before + 20)
    await flows.stages.getByRole('row', { name: /enrich/ }).click()
    await expect(flows.side).toContainText('what comes after it does not keep up', { ignoreCase: true })
    await expect(page.getByText(/^Sources .* now\./)).toBeVisible()
  })

  await test.step('pictures in both themes and the smaller windows', async () => {
    // So much of a history that the chart tells something.
    await expect
      .poll(() => page.locator('.side .queue h3').innerText(), { timeout: 60_000 })
      .toMatch(/Queue, ([3-9]\d|\d{3}) s/)
    await judge(page, 'flow-dark')
    await page.getByRole('button', { name: 'Switch to the light theme' }).click()
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'light')
    await expect(flows.side).toContainText('what comes after it does not keep up', { ignoreCase: true })
    await judge(page, 'flow-light')
    for (const [width, height] of [
      [1280, 800],
      [1024, 700],
      [720, 480],
    ] as const) {
      await resize(paddock, width, height)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(overflow).toBeLessThanOrEqual(0)
      await judge(page, `flow-${width}-light`)
    }
    await resize(paddock, 1440, 900)
    await page.getByRole('button', { name: 'Switch to the dark theme' }).click()
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  })

  await test.step('paused, its counters stand still; then they go on', async () => {
    await flows.stages.getByRole('row', { name: /numbers/ }).click()
    await expect(page.getByRole('region', { name: 'Facts of numbers' })).toBeVisible()
    await flows.toggle.click()
    await expect(flows.state).toHaveText(/^Paused/)
    let last = -1
    await expect
      .poll(
        async () => {
          const now = await flows.elements()
          const still = now === last
          last = now
          return still
        },
        { intervals: [1_500] },
      )
      .toBe(true)
    await flows.toggle.click()
    await expect(flows.state).toHaveText(/^(Running|Held back)/)
    await expect.poll(() => flows.elements()).toBeGreaterThan(last)
  })

  await test.step('elements are traced call by call', async () => {
    await flows.part('Trace')
    await page.getByRole('button', { name: 'Diagnostic' }).click()
    await page.getByLabel('Traced').selectOption('1')
    await expect(flows.trace.getByRole('row', { name: /flip process/ }).first()).toBeVisible()
    await expect(flows.trace.getByRole('row', { name: /flip process/ }).first()).toContainText('read 64')
    // What waits in the queues has to come through first.
    await expect(flows.trace.locator('[aria-level="3"]').first()).toBeVisible({ timeout: 40_000 })
    await page.getByRole('button', { name: /^Hold/ }).click()
    await expect(page.getByText(/^Held\./)).toBeVisible()
    await judge(page, 'flow-trace-dark')
    await page.getByRole('button', { name: 'Production' }).click()
  })

  await test.step('an error is told as it is typed, with its line, and mended', async () => {
    await flows.part('File')
    await expect(page.getByText('No problem found, components looked at too')).toBeVisible()
    const text = await flows.text.inputValue()
    await flows.text.fill(text.replace('to = { node = "keep" }', 'to = { node = "kept" }'))
    await expect(flows.problems).toContainText('E0902')
    const line = text.split('\n').indexOf('to = { node = "keep" }') + 1
    await expect(flows.problems).toContainText(`line ${line}`)
    await expect(flows.save).toBeDisabled()
    await flows.problems.getByRole('button').first().click()
    await expect(flows.text).toBeFocused()
    const at = await flows.text.evaluate((field) => (field as HTMLTextAreaElement).selectionStart)
    expect(text.slice(0, at).split('\n')).toHaveLength(line)
    await judge(page, 'flow-file-error-dark')
    await flows.revert.click()
    await expect(flows.problems).toBeHidden()
    await flows.text.fill(text.replace('rate_limit = 420', 'rate_limit = 500'))
    await expect(page.getByText('No problem found, components looked at too')).toBeVisible()
    await judge(page, 'flow-file-dark')
    await page.keyboard.press('Control+s')
    await expect(page.getByText(/^numbers.main saved/)).toBeVisible()
    await expect(page.getByText('Saved. The flow runs on as it was started.')).toBeVisible()
    expect(await readFile(path.join(flowFolder, 'Torvyn.toml'), 'utf8')).toContain('rate_limit = 500')
  })

  await test.step('drained, it says what came of it; the list has it', async () => {
    await flows.part('Live')
    await flows.drain.click()
    await expect(flows.toggle).toHaveText('Start', { timeout: 20_000 })
    await expect(flows.main).toContainText(/ delivered, /)
    await page.getByRole('link', { name: 'Flows', exact: true }).first().click()
    await expect(page.getByRole('grid', { name: 'All flows' })).toContainText('numbers.main')
    await judge(page, 'flows-dark')
  })

  await test.step('from the palette and by keys alone', async () => {
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { name: 'numbers.main' })).toBeVisible()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('remove flow')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('alertdialog')
    await expect(dialog.getByRole('button', { name: 'Keep' })).toBeFocused()
    await page.keyboard.press('Escape')
    await page.keyboard.press('s')
    await expect(flows.state).toHaveText(/^(Running|Held back)/)
  })
})
