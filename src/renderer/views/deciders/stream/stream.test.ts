import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { findings, open, press, standInBrowser, type } from '../../../testing/decider-screen.ts'

standInBrowser()

describe('a stream', () => {
  it('shows its events newest first with the command each is of, and the snapshot between', async () => {
    const { double } = await open('#/deciders/order-decider/order-7f21')
    const feed = await screen.findByRole('feed', { name: 'Event timeline, newest first' })
    const articles = await within(feed).findAllByRole('article')
    expect(articles[0]?.textContent).toContain('PartScheduled')
    expect(articles[0]?.textContent).toContain('by ExecutePart')
    expect(articles[0]?.textContent).toMatch(/^Revision 14/)
    expect(await screen.findByText('revision 14')).toBeTruthy()
    articles[0]!.querySelector('button')!.click()
    expect((await screen.findByRole('region', { name: 'Payload of event 14' })).textContent).toContain(
      '"part": 7',
    )
    expect(articles[0]?.textContent).toContain('00000000-0000-7000-8000-000000000014')
    await press('Export stream')
    await waitFor(() => expect(double.deciders.calls.map(({ call }) => call)).toEqual(['exportStream']))
    expect(await screen.findByText('14 events written to /tmp/stream.ndjson')).toBeTruthy()
    expect(await findings()).toEqual([])
  })

  it('shows new events as they are decided elsewhere', async () => {
    const { double } = await open('#/deciders/order-decider/order-7f22')
    const feed = await screen.findByRole('feed')
    expect(within(feed).getAllByRole('article').length).toBe(1)
    double.deciders.execute('shop.orders.Cancel', { order: '7f22' })
    await waitFor(() => expect(within(feed).getAllByRole('article').length).toBe(2))
    expect(within(feed).getAllByRole('article')[0]?.textContent).toContain('Cancelled')
    const row = screen.getByRole('row', { name: /^order-7f22/ })
    await waitFor(() => expect(row.textContent).toContain('2'))
  })

  it('finds streams by prefix, and says how many it hides', async () => {
    const { double, state } = await open('#/deciders/order-decider')
    await screen.findByRole('row', { name: /^order-7f21/ })
    expect(screen.getByText('2 streams, 15 events')).toBeTruthy()
    type(/^Find a stream/, 'order-7f22')
    await waitFor(() => expect(screen.queryByRole('row', { name: /^order-7f21/ })).toBeNull())
    expect(state.router.current.query['prefix']).toBe('order-7f22')
    type(/^Find a stream/, 'nothing')
    expect(await screen.findByText('No stream begins with “nothing”')).toBeTruthy()
    await press('Clear prefix')
    expect(await screen.findByRole('row', { name: /^order-7f21/ })).toBeTruthy()
    double.deciders.execute('shop.orders.PlaceOrder', { order: '0001' })
    // A stream that others began is counted; the rows stay where they are.
    await press('1 new stream. Read again')
    expect(await screen.findByRole('row', { name: /^order-0001/ })).toBeTruthy()
  })

  it('opens a stream by key with one tab stop in the list', async () => {
    const { state } = await open('#/deciders/order-decider')
    const row = await screen.findByRole('row', { name: /^order-7f21/ })
    expect(
      screen.getAllByRole('row').filter((each) => each.tabIndex === 0 && each.dataset['stream']),
    ).toEqual([row])
    row.focus()
    row.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true, cancelable: true }))
    await waitFor(() => expect(document.activeElement?.getAttribute('data-stream')).toBe('order-7f22'))
    document.activeElement?.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }),
    )
    await waitFor(() => expect(state.router.current.part).toBe('order-7f22'))
  })

  it('folds to any revision, and compares two', async () => {
    await open('#/deciders/order-decider/order-7f21')
    const slider = await screen.findByRole<HTMLInputElement>('slider', { name: 'Revision to fold to' })
    await waitFor(() => expect(slider.max).toBe('14'))
    slider.value = '2'
    slider.dispatchEvent(new Event('input', { bubbles: true }))
    const bytes = await screen.findByRole('region', { name: 'Bytes of the state at revision 2' })
    await waitFor(() => expect(screen.getAllByText(/"floor": "3380.00"/).length).toBeGreaterThan(0))
    expect(bytes).toBeTruthy()
    screen.getByRole('checkbox', { name: 'Compare with revision' }).click()
    const difference = await screen.findByRole('region', { name: 'Difference of the states' })
    expect(difference.textContent).toContain('removed:   "floor": null')
    expect(difference.textContent).toContain('added:   "floor": "3380.00"')
  })

  it('says when snapshots are taken, as declared and in effect', async () => {
    const { double, state } = await open('#/deciders/order-decider/order-7f21')
    double.deciders.views[0]!.effectiveSnapshots['shop.orders.ExecutePart'] = 20
    state.router.refine({ view: 'snapshots' })
    const panel = await screen.findByRole('region', { name: 'Snapshots' })
    expect(await within(panel).findByRole('button', { name: 'View state' })).toBeTruthy()
    const row = within(panel).getByRole('row', { name: /^ExecutePart/ })
    await waitFor(() => expect(row.textContent).toContain('every 10 events'))
  })
})
