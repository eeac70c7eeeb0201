import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { busyMorning } from '../../testing/scenes.ts'

prepareBrowser()

async function opened(state: 'running' | 'stopped'): Promise<ConsoleDouble> {
  const double = new ConsoleDouble(busyMorning())
  double.setModule('twap-monitor', { status: { state, since: 0 } })
  double.store.set('a', new Uint8Array(3))
  await openConsole('#/modules/twap-monitor/state', double)
  await screen.findByText('a')
  return double
}

async function choose(action: string): Promise<void> {
  ;(await screen.findByRole('button', { name: 'Store actions' })).click()
  ;(await screen.findByRole('menuitem', { name: action })).click()
}

const called = (double: ConsoleDouble) =>
  double.calls.filter(({ call }) => call.startsWith('store.')).map(({ call, input }) => ({ call, input }))

describe('the store of a module', () => {
  it('is exported and copied where the operator says, also while the module runs', async () => {
    const double = await opened('running')
    await choose('Export…')
    expect(called(double)).toEqual([])
    double.picked = '/home/me/out'
    await choose('Export…')
    await screen.findByText(/1 key of twap-monitor written to \/home\/me\/out/)
    await choose('Back up…')
    await waitFor(() =>
      expect(called(double)).toEqual([
        { call: 'store.export', input: { name: 'twap-monitor', path: '/home/me/out' } },
        { call: 'store.backup', input: { name: 'twap-monitor', path: '/home/me/out' } },
      ]),
    )
  })

  it('is purged and replaced only after a question whose first answer is harmless', async () => {
    const double = await opened('stopped')
    await choose('Purge…')
    const ask = await screen.findByRole('alertdialog', { name: 'Purge the store of twap-monitor?' })
    expect(ask.textContent).toContain('1 key')
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Keep'))
    expect(await axeFindings(document.body)).toEqual([])
    within(ask).getByRole('button', { name: 'Keep' }).click()
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
    expect(called(double)).toEqual([])
    await choose('Purge…')
    ;(await screen.findByRole('button', { name: 'Purge store' })).click()
    await screen.findByText('The store is empty')
    double.picked = '/home/me/in'
    await choose('Import…')
    expect((await screen.findByRole('alertdialog')).textContent).toContain('/home/me/in')
    screen.getByRole('button', { name: 'Replace store' }).click()
    await screen.findByText('imported')
    await choose('Compact')
    await screen.findByText(/compacted: 64/)
    expect(called(double).map(({ call }) => call)).toEqual(['store.purge', 'store.import', 'store.compact'])
  })

  it('is not changed while the module runs, which is said with what to do', async () => {
    const double = await opened('running')
    await choose('Compact')
    await screen.findByText('The store was not compacted')
    expect(screen.getByText(/Stop the module first/)).toBeTruthy()
    expect(double.store.size).toBe(1)
  })
})
