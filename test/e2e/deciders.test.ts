/** What an operator does with deciders: install one, try and decide commands, look at streams, states and snapshots. */
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { ConsentSheet } from './screens/consent-sheet.ts'
import { Deciders } from './screens/deciders.ts'
import { Frame } from './screens/frame.ts'
import { expect, test } from './support/fixtures.ts'
import { root } from './support/paddock.ts'
import { decide, firstAtMs, hour, schedulesDecider, seedSchedules } from './support/schedules.ts'

/** The guides' own pictures are only replaced when asked for, so that a test run leaves the project as it was. */
const pictures = path.join(root, process.env['PADDOCK_PICTURES'] ?? 'test-results/pictures')
const noDevnet = { devnet: { autoStart: false } }

async function findings(page: Page): Promise<string[]> {
  // The page's policy forbids the frame that axe would open beside it.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)
}

test('install, try, decide, be rejected, and look at what happened', async ({ start, folder }) => {
  const paddock = await start({ settings: noDevnet })
  const { page } = paddock
  const frame = new Frame(page)
  const deciders = new Deciders(page)
  const consent = new ConsentSheet(page)

  await test.step('a decider that is installed gets its screen', async () => {
    await paddock.drop(schedulesDecider)
    await consent.allow.click()
    await frame.rail.getByRole('link', { name: 'Deciders' }).click()
    await expect(deciders.versions.getByRole('row', { name: /schedules-decider/ })).toContainText('Active')
    await deciders.versions.getByRole('link', { name: 'schedules-decider' }).click()
    await expect(page.getByText('No stream yet')).toBeVisible()
  })

  await test.step('a command that is only tried leaves no trace', async () => {
    await deciders.write('Create', { id: 'backup', everyMs: hour, firstAtMs })
    await deciders.tryOnly.click()
    await expect(deciders.result).toContainText('Would append 1 event')
    await expect(page.getByText('0 streams, 0 events')).toBeVisible()
  })

  await test.step('a decided command begins a stream, which opens', async () => {
    await deciders.payload.press('Control+Enter')
    await expect(deciders.result).toContainText('Decided: 1 event')
    await expect(deciders.events).toHaveCount(1)
    await expect(deciders.events.first()).toContainText('by Create')
    await expect(deciders.stream('schedule-backup')).toHaveAttribute('aria-selected', 'true')
  })

  await test.step('a rejection is an answer, with its code and its details', async () => {
    await deciders.write('Create', { id: 'often', everyMs: 1_000, firstAtMs })
    await deciders.decide.click()
    await expect(deciders.result).toContainText('Rejected: schedule.too_often')
    await expect(deciders.result).toContainText('shortestMs')
    await expect(deciders.result).toContainText('A rejection is an answer, not a failure')
  })

  await test.step('an expected revision that is past is a conflict', async () => {
    await deciders.write('RecordOccurrence', { id: 'backup', atMs: firstAtMs })
    await deciders.decide.click()
    await expect(deciders.events).toHaveCount(2)
    await deciders.options.click()
    await deciders.expected.fill('1')
    await deciders.write('RecordOccurrence', { id: 'backup', atMs: firstAtMs + hour })
    await deciders.decide.click()
    await expect(deciders.result).toContainText('Conflict: the stream is at revision 2')
    await page.getByRole('button', { name: 'Expect revision 2' }).click()
    await deciders.decide.click()
    await expect(deciders.events).toHaveCount(3)
    await deciders.expected.fill('')
  })

  await test.step('events of other callers appear by themselves', async () => {
    expect(await decide(paddock, 'Pause', { id: 'backup', reason: 'Storage' })).toBe('decided')
    await expect(deciders.events).toHaveCount(4)
    await expect(deciders.events.first()).toContainText('Paused')
    await expect(deciders.events.first()).toContainText('Storage')
  })

  await test.step('the state at any revision, and how two differ', async () => {
    await expect(deciders.state(4)).toContainText('"status": "paused"')
    await deciders.slider.focus()
    await page.keyboard.press('ArrowLeft')
    await expect(deciders.state(3)).toContainText('"status": "active"')
    await page.keyboard.press('End')
    await deciders.compare.check()
    await expect(deciders.difference).toContainText('"status": "active"')
    await expect(deciders.difference).toContainText('"status": "paused"')
    await deciders.compare.uncheck()
  })

  await test.step('the stream is exported as NDJSON', async () => {
    const file = path.join(folder, 'backup.ndjson')
    await paddock.app.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = async () => ({ canceled: false, filePath })
    }, file)
    await page.getByRole('button', { name: 'Export stream' }).click()
    await expect(frame.toasts).toContainText('4 events written to')
    const lines = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(lines[0]).toMatchObject({ kind: 'paddock-events', module: 'examples.schedules' })
    expect(lines[1]).toMatchObject({ kind: 'decision', stream: 'schedule-backup', revision: 1 })
    expect(lines.at(-1)).toEqual({ kind: 'end', decisions: 4, events: 4 })
  })

  await test.step('what was decided is counted by code', async () => {
    await frame.rail.getByRole('link', { name: 'Deciders' }).click()
    await expect(deciders.outcomes.getByRole('row', { name: /schedule\.too_often/ })).toContainText('1')
    await expect(deciders.outcomes.getByRole('row', { name: /decider\.conflict/ })).toContainText('1')
  })

  await test.step('retired, it answers no command; activated, it does again', async () => {
    await page.getByRole('button', { name: 'Retire examples.schedules' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Retire 5 commands' }).click()
    await expect(deciders.versions.getByRole('row', { name: /schedules-decider/ })).toContainText(
      'Not active',
    )
    expect(await decide(paddock, 'Delete', { id: 'backup' })).toBe('faulted')
    await page.getByRole('button', { name: /^Activate examples.schedules@/ }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Activate' }).click()
    await expect(deciders.versions.getByRole('row', { name: /schedules-decider/ })).toContainText('Active')
    expect(await decide(paddock, 'Delete', { id: 'backup' })).toBe('decided')
  })
})

test('deciders by key alone', async ({ start }) => {
  const paddock = await start({ settings: noDevnet, examples: [schedulesDecider] })
  const { page } = paddock
  const deciders = new Deciders(page)
  await seedSchedules(paddock)
  await page.keyboard.press('g')
  await page.keyboard.press('d')
  await expect(page.getByRole('heading', { level: 1, name: 'Deciders' })).toBeVisible()
  await deciders.versions.getByRole('row', { name: /schedules-decider/ }).focus()
  await page.keyboard.press('Enter')
  await expect(deciders.stream('schedule-backup')).toBeVisible()
  await page.keyboard.press('/')
  await expect(deciders.prefix).toBeFocused()
  await page.keyboard.type('schedule-b')
  await expect(deciders.stream('schedule-sweep')).toHaveCount(0)
  await page.keyboard.press('Tab')
  await expect(deciders.stream('schedule-backup')).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(deciders.events.first()).toBeVisible()
  await deciders.events.first().focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Payload of event 63' })).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await expect(deciders.events.nth(1)).toBeFocused()
  await page.keyboard.press('End')
  await expect(deciders.timeline.getByRole('article', { name: /^Revision 1 / })).toBeFocused()
  await page.keyboard.press('c')
  await expect(deciders.payload).toBeFocused()
})

test('the deciders’ screens in both themes are accessible, and are pictured', async ({ start }) => {
  test.setTimeout(240_000)
  await mkdir(pictures, { recursive: true })
  const paddock = await start({ settings: noDevnet, examples: [schedulesDecider] })
  const { page } = paddock
  const frame = new Frame(page)
  const deciders = new Deciders(page)
  await seedSchedules(paddock)
  for (const theme of ['dark', 'light'] as const) {
    await paddock.call('preferences', 'set', { theme })
    // The page paints what it was told at its next start.
    await page.reload()
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme)
    const picture = async (name: string): Promise<void> => {
      await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)))
      expect.soft(await findings(page), `${name}, ${theme}`).toEqual([])
      await page.screenshot({ path: path.join(pictures, `${name}-${theme}.png`) })
    }
    await frame.rail.getByRole('link', { name: 'Deciders' }).click()
    await expect(deciders.versions.getByRole('row', { name: /schedules-decider/ })).toBeVisible()
    await expect(deciders.outcomes.getByRole('row', { name: /schedule\.too_often/ })).toBeVisible()
    await picture('deciders')

    await deciders.versions.getByRole('link', { name: 'schedules-decider' }).click()
    await deciders.stream('schedule-backup').click()
    await expect(deciders.events.first()).toBeVisible()
    await deciders.write('RecordOccurrence', { id: 'backup', atMs: firstAtMs + 60 * hour })
    await deciders.tryOnly.click()
    await expect(deciders.result).toContainText('Rejected: schedule.too_early')
    await expect(deciders.state(63)).toBeVisible()
    await picture('decider')

    await deciders.events.nth(1).getByRole('button', { name: 'Paused' }).click()
    await deciders.compare.check()
    await expect(deciders.difference).toBeVisible()
    await deciders.difference.scrollIntoViewIfNeeded()
    await picture('decider-state')
    await deciders.view('Snapshots')
    await expect(page.getByRole('button', { name: 'View state' })).toBeVisible()
    await picture('decider-snapshots')
    await deciders.view('Events')
    for (const [width, height] of [
      [1280, 800],
      [1024, 700],
    ] as const) {
      await paddock.app.evaluate(
        ({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(size[0], size[1]),
        [width, height] as const,
      )
      await expect.poll(() => page.evaluate(() => window.innerWidth)).toBe(width)
      await picture(`decider-${width}`)
    }
    await paddock.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.setContentSize(1440, 900),
    )
  }
})
