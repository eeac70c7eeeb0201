import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { sampleApproval, sampleMessage, sampleTransaction } from '../../testing/guards/sample-approvals.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { busyMorning } from '../../testing/scenes.ts'

prepareBrowser()

const dialog = () => screen.findByRole('alertdialog', { name: /^Let twap-monitor sign/ })
const isArmed = async () =>
  waitFor(
    () => expect(screen.getByRole('button', { name: 'Sign' }).getAttribute('aria-disabled')).toBe('false'),
    { timeout: 2_000 },
  )
const verdicts = (double: ConsoleDouble) => double.guards.entries.map(({ verdict }) => verdict)

describe('a signature that waits (spec nexum-host 8.11)', () => {
  it('opens from any screen on the harmless answer, with the content by field', async () => {
    const { double } = await openConsole('#/logs')
    double.guards.ask(sampleApproval('a'))
    const sheet = await dialog()
    expect(sheet.textContent).toContain('Could move funds')
    expect(within(sheet).getByRole('row', { name: /sellAmount uint256 1000000000000000000/ })).toBeTruthy()
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Refuse'))
    expect(await axeFindings(document.body)).toEqual([])
  })

  it('takes no answer by key in the first 700 ms, then one', async () => {
    const { double } = await openConsole('#/overview')
    double.guards.ask(sampleApproval('a'))
    await dialog()
    for (const name of ['Sign', 'Refuse']) screen.getByRole('button', { name }).click()
    expect(verdicts(double)).toEqual([])
    await isArmed()
    screen.getByRole('button', { name: 'Sign' }).click()
    await waitFor(() => expect(verdicts(double)).toEqual(['approved']))
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
    expect(screen.getByText(/Signed for twap-monitor; told in the audit trail/)).toBeTruthy()
  })

  it('goes on waiting in the bar when it is put aside, and opens again', async () => {
    const { double } = await openConsole('#/overview')
    double.guards.ask(sampleApproval('a'))
    await fireEvent.keyDown(await dialog(), { key: 'Escape' })
    const bar = screen.getByRole('status', { name: 'Signatures that wait' })
    await waitFor(() => expect(bar.textContent).toContain('twap-monitor asks for a signature'))
    expect(verdicts(double)).toEqual([])
    within(bar).getByRole('button', { name: 'Review' }).click()
    await dialog()
    double.guards.expire('a')
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
    expect(bar.textContent.trim()).toBe('')
  })

  it('shows several as a queue that stays on the one looked at, back on the harmless answer after each', async () => {
    const { double } = await openConsole('#/overview')
    double.guards.ask(sampleApproval('a'))
    double.guards.ask(sampleTransaction('b'))
    double.guards.ask(sampleMessage('c'))
    ;(await screen.findByRole('button', { name: 'Review' })).click()
    const sheet = await dialog()
    await waitFor(() => expect(sheet.textContent).toContain('1 of 3'))
    within(sheet).getByRole('button', { name: 'Next signature' }).click()
    await waitFor(() => expect(sheet.textContent).toContain('1.500000000000000001'))
    expect(sheet.textContent).toContain('The first 6 of 68 bytes are shown')
    await isArmed()
    screen.getByRole('button', { name: 'Sign' }).focus()
    screen.getByRole('button', { name: 'Sign' }).click()
    await waitFor(() => expect(sheet.textContent).toContain('1 of 2'))
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Refuse'))
    within(sheet).getByRole('button', { name: 'Next signature' }).click()
    await waitFor(() => expect(sheet.textContent).toContain('hello'))
    within(sheet).getByRole('button', { name: 'Hex' }).click()
    await waitFor(() => expect(sheet.textContent).toContain('0x68656c6c6f'))
    expect(sheet.textContent).toContain('none named: it may hold on any chain')
  })

  it('never opens over another dialog; several that come at once wait in the bar', async () => {
    const double = new ConsoleDouble(busyMorning())
    const { state } = await openConsole('#/overview', double)
    state.keySheetOpen = true
    await screen.findByRole('dialog', { name: 'Keys of this screen' })
    double.guards.ask(sampleApproval('a'))
    const bar = screen.getByRole('status', { name: 'Signatures that wait' })
    await waitFor(() => expect(bar.textContent).toContain('asks for a signature'))
    expect(screen.queryByRole('alertdialog')).toBeNull()
    double.guards.ask(sampleApproval('b'))
    await waitFor(() => expect(bar.textContent).toContain('2 signatures wait for you'))
  })
})
