/** Actors as an operator works with them: the real app, the real todo-actor, real databases (issue 8, "Console"). */
import { mkdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { Actors, RequestDialog } from './screens/actors.ts'
import { expect, test } from './support/fixtures.ts'
import { root, type Paddock } from './support/paddock.ts'
import { resize } from './support/resize.ts'

const bundle = path.join(root, 'modules/todo-actor')
const pictures = path.join(root, process.env['PADDOCK_PICTURES'] ?? 'test-results/pictures')

async function judge(page: Page, name: string): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)))
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)
  expect.soft(found, name).toEqual([])
  await page.screenshot({ path: path.join(pictures, `${name}.png`) })
}

/** Answers the next save dialogs with this path. */
async function answerSaveDialog(paddock: Paddock, filePath: string): Promise<void> {
  await paddock.app.evaluate(({ dialog }, answer) => {
    dialog.showSaveDialog = async () => ({ canceled: false, filePath: answer })
  }, filePath)
}

function ask(paddock: Paddock, key: string, method: string, payload?: unknown): Promise<unknown> {
  const bytes = payload === undefined ? '' : JSON.stringify(payload)
  return paddock.page.evaluate(
    ([key, method, text]) =>
      (
        window as unknown as {
          paddock: { ipc: { actors: { request: (input: unknown) => Promise<unknown> } } }
        }
      ).paddock.ipc.actors.request({
        name: 'todo-actor',
        key: [key],
        method,
        payload: new TextEncoder().encode(text),
      }),
    [key, method, bytes] as const,
  )
}

test('requests, tables, queries, sleep, files and destruction of actors', async ({ start, folder }) => {
  test.setTimeout(240_000)
  await mkdir(pictures, { recursive: true })
  const paddock = await start({
    settings: { theme: 'dark', devnet: { autoStart: false } },
    examples: [bundle],
  })
  const { page } = paddock
  const actors = new Actors(page)
  const request = new RequestDialog(page)

  await test.step('a first request makes an actor', async () => {
    await expect(page.getByRole('link', { name: 'Actors' })).toBeVisible()
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await expect(page.getByRole('heading', { name: 'No actor yet' })).toBeVisible()
    await judge(page, 'actors-none-dark')
    await actors.request.click()
    await expect(request.key).toBeFocused()
    await request.key.fill('alice')
    await request.ask('add', { title: 'Rotate validator keys' }, '"id": 1')
    await request.ask(
      'import',
      { titles: ['Move archive node', 'Renew ens name', 'Check disk alarms'] },
      '"ids"',
    )
  })

  await test.step('what is no JSON is not sent; the actor’s own error and an unknown method are told apart', async () => {
    await request.payload.fill('{"title": ')
    await expect(request.dialog.getByText(/^Not JSON:/)).toBeVisible()
    await expect(request.send).toBeDisabled()
    await request.ask('finish', { ids: [99] }, 'The actor answered with an error')
    await expect(request.answer).toContainText('There is no todo 99')
    await judge(page, 'actor-request-dark')
    await request.ask('vanish', undefined, 'The request was refused')
    await expect(request.answer).toContainText('actor.invalid_operation')
    await request.ask('finish', { ids: [2] }, '"finished": 1')
    await request.close.click()
    await expect(page).toHaveURL(/#\/actors\/todo-actor\/alice/)
  })

  await test.step('its tables are there to browse, and what it ran', async () => {
    await expect(actors.state).toHaveText(/^Awake for/)
    await expect(actors.table('todos')).toContainText('4 rows')
    await expect(actors.grid.getByRole('row')).toHaveCount(5)
    await expect(actors.grid.getByRole('columnheader', { name: 'title text' })).toBeVisible()
    await expect(actors.grid.getByRole('row', { name: /Rotate validator keys/ })).toContainText('null')
    await expect(actors.ran).toContainText('UPDATE todos SET done = 1')
    await actors.grid.getByRole('row', { name: /Move archive node/ }).click()
    await expect(page.getByRole('region', { name: 'Row 2' })).toContainText('finished_ms')
    await page.getByRole('button', { name: 'Close row' }).click()
    await actors.result.getByRole('button', { name: 'Schema' }).click()
    await expect(actors.result).toContainText('todos_open')
    await actors.result.getByRole('button', { name: /^Rows/ }).click()
  })

  await test.step('a query is run, kept, explained and exported; one that writes is refused', async () => {
    await actors.sql.fill('select id, title, done\nfrom todos\nwhere done = 0\norder by id limit 200')
    await actors.sql.press('Control+Enter')
    await expect(actors.grid.getByRole('row')).toHaveCount(4)
    await expect(actors.result).toContainText('3 rows, all shown')
    await judge(page, 'actor-query-dark')
    await actors.result.getByRole('button', { name: 'Plan' }).click()
    await expect(actors.result).toContainText('todos')
    await actors.result.getByRole('button', { name: /^Rows/ }).click()
    await answerSaveDialog(paddock, path.join(folder, 'rows.csv'))
    await actors.result.getByRole('button', { name: 'Export CSV…' }).click()
    await expect(page.getByText(/^3 rows written to/)).toBeVisible()
    expect(await readFile(path.join(folder, 'rows.csv'), 'utf8')).toMatch(
      /^id,title,done\r\n1,Rotate validator keys,0\r\n/,
    )
    await actors.sql.fill('delete from todos')
    await actors.run.click()
    await expect(actors.result.getByRole('alert')).toContainText('sqlite.statement_refused')
    await judge(page, 'actor-refused-dark')
    await page.getByRole('button', { name: 'History' }).click()
    await expect(page.getByRole('region', { name: 'Queries run before' }).getByRole('listitem')).toHaveCount(
      2,
    )
    await page.getByRole('button', { name: /^select id, title, done/ }).click()
    await expect(actors.sql).toHaveValue(/where done = 0/)
    await actors.run.click()
    await expect(actors.grid.getByRole('row')).toHaveCount(4)
  })

  await test.step('rows follow what the actor writes, and long tables are read page by page', async () => {
    await actors.table('todos').click()
    await ask(paddock, 'alice', 'import', {
      titles: Array.from({ length: 200 }, (_, index) => `Todo ${index}`),
    })
    await ask(paddock, 'alice', 'import', {
      titles: Array.from({ length: 200 }, (_, index) => `More ${index}`),
    })
    await expect(actors.table('todos')).toContainText('404 rows')
    await expect(actors.result).toContainText('200 of 404 rows read')
    await actors.grid.getByRole('row').nth(1).focus()
    await page.keyboard.press('End')
    await expect(actors.result).toContainText(/400 of 404 rows read|404 rows, all shown/)
  })

  await test.step('other actors are found by their key', async () => {
    for (const key of ['bob', 'carol', 'ops-team']) await ask(paddock, key, 'add', { title: 'One thing' })
    await expect(actors.actor('carol')).toBeVisible()
    await page.keyboard.press('/')
    await actors.find.fill('OPS')
    await expect(actors.actor('carol')).toBeHidden()
    await expect(actors.actor('ops-team')).toBeVisible()
    await actors.find.fill('')
    await actors.actor('carol').click()
    await expect(actors.grid.getByRole('row')).toHaveCount(2)
  })

  await test.step('asleep and awake', async () => {
    await actors.toggle.click()
    await expect(actors.state).toHaveText(/^Asleep for/)
    await expect(actors.actor('carol')).toContainText('asleep')
    await page.reload()
    await expect(page.getByRole('heading', { name: 'carol is asleep' })).toBeVisible()
    await judge(page, 'actor-asleep-dark')
    await actors.toggle.click()
    await expect(actors.state).toHaveText(/^Awake for/)
    await expect(actors.grid.getByRole('row')).toHaveCount(2)
    await expect(page.getByText(/generation 2/)).toBeVisible()
  })

  await test.step('a backup and an export are files; an import takes the place of the database', async () => {
    await actors.actor('alice').click()
    await answerSaveDialog(paddock, path.join(folder, 'backup.db'))
    await actors.choose('Back up…')
    await expect(page.getByText(/^alice backed up/)).toBeVisible()
    expect((await stat(path.join(folder, 'backup.db'))).size).toBeGreaterThan(4_096)
    await answerSaveDialog(paddock, path.join(folder, 'export.db'))
    await actors.choose('Export…')
    await expect(page.getByText(/^alice exported/)).toBeVisible()
    await actors.actor('bob').click()
    await paddock.answerOpenDialog(path.join(folder, 'export.db'))
    await actors.choose('Import…')
    await expect(page.getByRole('alertdialog')).toHaveAccessibleName('Replace the database of bob?')
    await page.getByRole('button', { name: 'Replace database' }).click()
    await expect(actors.table('todos')).toContainText('404 rows')
  })

  await test.step('both themes and the smaller windows', async () => {
    await ask(paddock, 'alice', 'list')
    await actors.actor('alice').click()
    await actors.table('todos').click()
    for (const theme of ['dark', 'light'] as const) {
      await paddock.call('preferences', 'set', { theme })
      await page.reload()
      await expect(page.locator('html')).toHaveAttribute('data-theme', theme)
      await ask(paddock, 'alice', 'list')
      await expect(actors.grid).toBeVisible()
      await expect(actors.ran).toContainText('SELECT id, title, done')
      await judge(page, `actors-${theme}`)
    }
    for (const [width, height] of [
      [1280, 800],
      [1024, 700],
    ] as const) {
      await resize(paddock, width, height)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(overflow).toBeLessThanOrEqual(0)
      await judge(page, `actors-${width}-light`)
    }
  })

  await test.step('destroying names what is lost, and asks', async () => {
    // It may have fallen asleep by itself; its tables are named once they were looked at.
    await ask(paddock, 'bob', 'count')
    await actors.actor('bob').click()
    await expect(actors.table('todos')).toContainText('404 rows')
    await actors.choose('Destroy…')
    const dialog = page.getByRole('alertdialog')
    await expect(dialog).toContainText('todos: 404 rows')
    await expect(dialog.getByRole('button', { name: 'Keep' })).toBeFocused()
    await judge(page, 'actor-destroy-light')
    await page.keyboard.press('Escape')
    await expect(actors.actor('bob')).toBeVisible()
    await actors.choose('Destroy…')
    await dialog.getByRole('button', { name: 'Destroy bob' }).click()
    await expect(actors.actor('bob')).toBeHidden()
  })
})
