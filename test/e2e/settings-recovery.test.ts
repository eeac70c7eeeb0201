/** Settings that cannot be used are kept aside and told (style guide, S26). */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Frame } from './screens/frame.ts'
import { Overview } from './screens/overview.ts'
import { SettingsScreen } from './screens/settings.ts'
import { expect, test } from './support/fixtures.ts'

for (const [what, content] of [
  ['that is cut off', '{"theme": "dark", "chains": ['],
  ['of another shape', '{"theme": "purple", "devnet": {"autoStart": false}}'],
  ['that is empty', ''],
] as const) {
  test(`a settings file ${what} is kept aside, defaults hold, and the operator is told`, async ({
    start,
    folder,
  }) => {
    const stateDir = path.join(folder, 'state')
    await mkdir(stateDir)
    await writeFile(path.join(stateDir, 'settings.json'), content)
    const { page } = await start({ stateDir })
    const overview = new Overview(page)
    await expect(overview.now).toContainText('settings.corrupt')
    await expect(overview.now).toContainText(/kept as settings\.json\.corrupt-\d+/)
    const aside = (await readdir(stateDir)).filter((file) => file.startsWith('settings.json.corrupt-'))
    expect(aside).toHaveLength(1)
    expect(await readFile(path.join(stateDir, aside[0]!), 'utf8')).toBe(content)
    await overview.now.getByRole('button', { name: 'Dismiss' }).click()
    await expect(overview.now).not.toContainText('settings.corrupt')

    const settings = new SettingsScreen(page)
    await new Frame(page).open('Settings')
    await expect(settings.theme.getByRole('button', { name: 'System' })).toHaveAttribute(
      'aria-pressed',
      'true',
    )
    await settings.theme.getByRole('button', { name: 'Dark' }).click()
    await expect
      .poll(async () => JSON.parse(await readFile(path.join(stateDir, 'settings.json'), 'utf8')) as unknown)
      .toMatchObject({ theme: 'dark' })
  })
}
