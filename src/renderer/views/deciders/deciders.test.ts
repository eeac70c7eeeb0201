import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { orderDecider } from '../../testing/decider-samples.ts'
import { busyMorning } from '../../testing/scenes.ts'
import { findings, open, orders, region, standInBrowser } from '../../testing/decider-screen.ts'

standInBrowser()

describe('the list of deciders', () => {
  it('teaches when none is loaded', async () => {
    const double = new ConsoleDouble(busyMorning())
    double.deciders.views.length = 0
    double.change({
      modulesRemoved: double.snapshot.modules
        .filter((module) => module.contract?.id === 'decider')
        .map(({ name }) => name),
    })
    await open('#/deciders', double)
    expect(await screen.findByText('No decider is loaded')).toBeTruthy()
    expect(screen.getAllByRole('button', { name: 'Add module' }).length).toBeGreaterThan(0)
  })

  it('lists versions, outcomes by code and the last commands, without findings of axe', async () => {
    const double = orders()
    double.deciders.execute('shop.orders.ExecutePart', { order: '7f21', price: '3377.10' })
    await open('#/deciders', double)
    const versions = await screen.findByRole('region', { name: 'Versions' })
    const row = (await within(versions).findByText('order-decider')).closest('tr')!
    expect(row.textContent).toContain('1.4.0')
    expect(row.textContent).toContain('Active')
    const codes = region('Outcomes by code')
    expect((await within(codes).findByText('price_below_floor')).closest('tr')?.textContent).toContain('1')
    expect(within(region('Commands')).getAllByText('price_below_floor').length).toBe(1)
    expect(await findings()).toEqual([])
  })

  it('activates a version only after saying what it takes over', async () => {
    const double = orders()
    double.deciders.views.push(orderDecider('order-next', '2.0.0', false))
    double.deciders.views.push(orderDecider('shop-all', '0.1.0', true, 'shop.everything'))
    const { state } = await open('#/deciders', double)
    ;(await screen.findByRole('button', { name: 'Activate shop.orders@2.0.0' })).click()
    const dialog = await screen.findByRole('alertdialog', { name: 'Activate shop.orders@2.0.0?' })
    expect(dialog.textContent).toContain('4 commands of another decider would be taken over')
    expect(dialog.textContent).toContain('from shop.everything@0.1.0')
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Leave as it is'))
    expect(double.deciders.calls).toEqual([])
    within(dialog).getByRole('button', { name: 'Take over 4 and activate' }).click()
    await waitFor(() =>
      expect(double.deciders.calls).toEqual([
        { call: 'activate', input: { reference: 'shop.orders@2.0.0', takeover: true } },
      ]),
    )
    await waitFor(() =>
      expect(screen.getByRole('link', { name: 'order-next' }).closest('tr')?.textContent).toContain('Active'),
    )
    expect(state.toasts.list.map(({ text }) => text)).toEqual(['shop.orders@2.0.0 is active'])
  })

  it('puts stopped projections first, says why, and retries or skips', async () => {
    const double = orders()
    double.deciders.projections.push(
      {
        module: 'order-keeper',
        decider: 'shop.orders',
        source: 'decider shop.orders',
        position: 4,
        state: 'following',
        attempts: 0,
        poison: null,
      },
      {
        module: 'order-mailer',
        decider: 'shop.orders',
        source: 'decider shop.orders',
        position: 2,
        state: 'poisoned',
        attempts: 5,
        poison: {
          reason: 'exhausted',
          position: 3,
          error: new PaddockError('guest.error', 'No such template.').toReport(),
        },
      },
    )
    await open('#/deciders', double)
    const panel = await screen.findByRole('region', { name: 'Projections' })
    await within(panel).findByText('order-mailer')
    const links = within(panel).getAllByRole('link')
    expect(links.map((link) => link.textContent)).toEqual(['order-mailer', 'order-keeper'])
    expect(panel.textContent).toContain('Stopped at event 3.')
    expect(panel.textContent).toContain('No such template.')
    within(panel).getByRole('button', { name: 'Skip the event for order-mailer' }).click()
    const dialog = await screen.findByRole('alertdialog', { name: 'Skip event 3 for order-mailer?' })
    expect(double.deciders.calls).toEqual([])
    within(dialog).getByRole('button', { name: 'Skip event 3' }).click()
    await waitFor(() => expect(double.deciders.calls.map(({ call }) => call)).toEqual(['skipProjection']))
    await waitFor(() => expect(panel.textContent).not.toContain('Stopped at event'))
  })
})
