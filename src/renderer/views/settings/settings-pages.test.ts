import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it, vi } from 'vitest'
import { AuditFeed } from '../../state/guards/audit.svelte.ts'
import { strengthOf } from '../../state/guards/accounts.svelte.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { sampleAccount } from '../../testing/guards/sample-approvals.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { busyMorning } from '../../testing/scenes.ts'

prepareBrowser()

const secret = 'correct horse battery staple'

function type(label: string, value: string): Promise<unknown> {
  return fireEvent.input(screen.getByLabelText(label), { target: { value } })
}

describe('accounts', () => {
  it('teach when there is none, and are created with the passphrase twice', async () => {
    const { double } = await openConsole('#/settings/accounts')
    await screen.findByText('No account yet')
    expect(await axeFindings(document.body)).toEqual([])
    screen.getAllByRole('button', { name: 'Create account…' })[0]!.click()
    const sheet = await screen.findByRole('dialog', { name: 'Create an account' })
    expect(sheet.textContent).toContain('Nobody can restore a lost passphrase.')
    const submit = within(sheet).getByRole<HTMLButtonElement>('button', { name: 'Create account' })
    await type('Passphrase', secret)
    await type('Passphrase again', `${secret}.`)
    expect(sheet.textContent).toContain('This is not the same passphrase.')
    expect(submit.disabled).toBe(true)
    await type('Passphrase again', secret)
    await waitFor(() => expect(submit.disabled).toBe(false))
    expect(await axeFindings(document.body)).toEqual([])
    submit.click()
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(await screen.findByText('locked')).toBeTruthy()
    expect(document.body.innerHTML).not.toContain(secret)
    expect(double.guards.entries.at(-1)?.kind).toBe('keystore')
    expect(await axeFindings(document.body)).toEqual([])
  })

  it('keep no secret on screen after a refusal, and say why', async () => {
    const double = new ConsoleDouble(busyMorning())
    double.guards.addAccount(
      {
        address: sampleAccount,
        source: 'keystore',
        locked: true,
        createdAt: 0,
        grants: [{ module: 'twap-monitor', approval: 'auto' }],
      },
      secret,
    )
    await openConsole('#/settings/accounts', double)
    ;(await screen.findByRole('button', { name: `Unlock ${sampleAccount}` })).click()
    const sheet = await screen.findByRole('dialog', { name: 'Unlock this account' })
    expect(sheet.textContent).toContain('twap-monitor signs without asking you')
    const field = screen.getByLabelText<HTMLInputElement>('Passphrase')
    await type('Passphrase', 'wrong-and-telling')
    within(sheet).getByRole('button', { name: 'Unlock' }).click()
    await within(sheet).findByText('identity.wrong_passphrase')
    expect(field.value).toBe('')
    expect(document.body.innerHTML).not.toContain('wrong-and-telling')
    expect(window.location.hash).toBe('#/settings/accounts')
    await type('Passphrase', secret)
    within(sheet).getByRole('button', { name: 'Unlock' }).click()
    await screen.findByText('unlocked')
    screen.getByRole('button', { name: 'Lock all' }).click()
    await screen.findByText('locked')
  })

  it('ask before one is removed, and show other sources as what they are', async () => {
    const double = new ConsoleDouble(busyMorning())
    const account = { locked: false, createdAt: null, grants: [] }
    double.guards.addAccount({ ...account, address: sampleAccount, source: 'remote' }, '')
    double.guards.addAccount({ ...account, address: `0x${'d'.repeat(40)}`, source: 'test-key' }, '')
    double.guards.addAccount(
      { ...account, address: `0x${'e'.repeat(40)}`, source: 'keystore', locked: true },
      '',
    )
    await openConsole('#/settings/accounts', double)
    expect(await screen.findByText('remote signer')).toBeTruthy()
    expect(screen.getByText('test key')).toBeTruthy()
    screen.getByRole('button', { name: `More for 0x${'e'.repeat(40)}` }).click()
    ;(await screen.findByRole('menuitem', { name: 'Remove…' })).click()
    const ask = await screen.findByRole('alertdialog', { name: 'Remove this account?' })
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Keep'))
    within(ask).getByRole('button', { name: 'Remove' }).click()
    await waitFor(() => expect(double.guards.accounts).toHaveLength(2))
  })

  it.each([
    ['', 0],
    ['short', 0],
    ['aaaaaaaaaaaa', 1],
    ['password1', 1],
    ['otter lamp 7', 2],
    ['correct horse battery staple', 4],
  ] as const)('judge the passphrase "%s" as level %d', (passphrase, level) => {
    expect(strengthOf(passphrase).level).toBe(level)
  })
})

describe('the audit trail', () => {
  const fill = (double: ConsoleDouble, entries: number) => {
    for (let index = 0; index < entries; index += 1) {
      const module = index % 2 === 0 ? 'twap-monitor' : 'price-alert'
      double.guards.record({ kind: 'denied', verdict: 'denied', module, text: `call ${index}` })
    }
  }

  it('teaches when empty, and is filtered by the route', async () => {
    const double = new ConsoleDouble(busyMorning())
    const { state } = await openConsole('#/settings/audit', double)
    await screen.findByText('Nothing to tell yet')
    expect(await axeFindings(document.body)).toEqual([])
    state.router.refine({ module: 'price-alert', kind: 'signature' })
    await screen.findByText('No entry fits this filter')
    screen.getByRole('button', { name: 'Clear filter' }).click()
    await screen.findByText('Nothing to tell yet')
    expect(window.location.hash).toBe('#/settings/audit')
  })

  it('exports what the filter shows', async () => {
    const double = new ConsoleDouble(busyMorning())
    fill(double, 5)
    await openConsole('#/settings/audit?module=price-alert', double)
    ;(await screen.findByRole('button', { name: 'Export filtered…' })).click()
    expect(await screen.findByText('2 entries written to /home/ops/audit.ndjson')).toBeTruthy()
  })

  it('is read page by page backwards, and new entries are counted while one reads', async () => {
    const double = new ConsoleDouble(busyMorning())
    fill(double, 7)
    const feed = new AuditFeed(double.client, 3)
    await feed.open({})
    expect(feed.entries.map(({ id }) => id)).toEqual([6, 5, 4])
    await feed.loadOlder()
    await feed.loadOlder()
    expect(feed.entries.map(({ id }) => id)).toEqual([6, 5, 4, 3, 2, 1, 0])
    expect(feed.more).toBe(false)
    feed.hold()
    fill(double, 2)
    expect([feed.held, feed.entries.length]).toEqual([2, 7])
    feed.follow()
    expect(feed.entries.map(({ id }) => id).slice(0, 3)).toEqual([8, 7, 6])
    await feed.open({ since: Date.now() + 1_000 })
    expect(feed.entries).toEqual([])
    feed.close()
  })
})

describe('the engine file', () => {
  it('shows what an import changes before it is applied', async () => {
    const { double } = await openConsole('#/settings/engine')
    await screen.findByText(/limits.memory_bytes = 67108864/)
    const file = new File(['limits.memory_bytes = 1\nlimits.state_bytes = 2\n'], 'engine.toml')
    file.text = vi.fn(async () => 'limits.memory_bytes = 1\nlimits.state_bytes = 2\n')
    await fireEvent.change(screen.getByLabelText('engine.toml to import'), { target: { files: [file] } })
    const plan = await screen.findByRole('region', { name: 'What engine.toml changes' })
    expect(within(plan).getByRole('row', { name: /limits.memory_bytes 67108864 1/ })).toBeTruthy()
    expect(double.config.text).not.toContain('state_bytes')
    expect(await axeFindings(document.body)).toEqual([])
    within(plan).getByRole('button', { name: 'Apply 2 changes' }).click()
    await waitFor(() => expect(double.config.text).toContain('limits.state_bytes = 2'))
    await waitFor(() => expect(screen.queryByRole('region', { name: /^What/ })).toBeNull())
  })

  it('names what is wrong with a file, and changes nothing', async () => {
    const { double } = await openConsole('#/settings/engine')
    const before = double.config.text
    const file = new File(['nonsense'], 'bad.toml')
    file.text = vi.fn(async () => 'nonsense')
    await fireEvent.change(screen.getByLabelText('engine.toml to import'), { target: { files: [file] } })
    expect(await screen.findByText('bad.toml cannot be taken in')).toBeTruthy()
    expect(screen.getByText('settings.invalid')).toBeTruthy()
    expect(double.config.text).toBe(before)
  })
})
