import { screen, waitFor } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { sampleFault } from '../../../testing/decider-samples.ts'
import { choose, findings, open, press, standInBrowser, type } from '../../../testing/decider-screen.ts'

standInBrowser()

describe('a command', () => {
  it('is checked as one types, tried without a trace, and rejected as an answer', async () => {
    const { double } = await open('#/deciders/order-decider/order-7f21')
    await screen.findByRole('feed')
    choose('ExecutePart')
    type('Payload', '{ "order": "7f21", }')
    expect(await screen.findByText('“}” is not expected: line 1, column 20.')).toBeTruthy()
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Try only' }).disabled).toBe(true)
    type('Payload', '{ "order": "7f21", "price": "3377.10" }')
    await press('Try only')
    const result = await screen.findByRole('region', { name: 'Result' })
    expect(result.textContent).toContain('tried, nothing appended')
    expect(result.textContent).toContain('Rejected: price_below_floor')
    expect(result.textContent).toContain('3377.10 is under the floor of 3380.00.')
    expect(result.textContent).toContain('A rejection is an answer, not a failure')
    expect(double.deciders.streams.get('order-7f21')?.length).toBe(14)
    expect(await findings()).toEqual([])
  })

  it('is decided by Ctrl Enter, and its stream opens', async () => {
    const { double, state } = await open('#/deciders/order-decider')
    await screen.findByRole('row', { name: /^order-7f21/ })
    choose('PlaceOrder')
    expect(await screen.findByText(/Appends only if there is no such stream yet; no snapshots/)).toBeTruthy()
    type('Payload', '{ "order": "9a00", "of": 4 }')
    await waitFor(() =>
      expect(screen.getByRole<HTMLButtonElement>('button', { name: /^Decide/ }).disabled).toBe(false),
    )
    screen
      .getByLabelText('Payload')
      .dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true }),
      )
    await waitFor(() => expect(state.router.current.part).toBe('order-9a00'))
    expect((await screen.findByRole('region', { name: 'Result' })).textContent).toContain('Decided: 1 event')
    expect((await screen.findByRole('feed')).textContent).toContain('by PlaceOrder')
    expect(double.deciders.streams.get('order-9a00')?.[0]?.headers).toEqual({
      'command-type': 'shop.orders.PlaceOrder',
    })
    expect(await screen.findByRole('row', { name: /^order-9a00/ })).toBeTruthy()
  })

  it('is tried on the state as of a revision', async () => {
    await open('#/deciders/order-decider/order-7f21')
    await screen.findByRole('feed')
    type('Payload', '{ "order": "7f21", "price": "1.00" }')
    screen.getByRole('button', { name: /^Options/ }).click()
    await screen.findByLabelText('Try at revision')
    type('Try at revision', '1')
    await press('Try only')
    const result = await screen.findByRole('region', { name: 'Result' })
    expect(result.textContent).toContain('tried at revision 1')
    expect(result.textContent).toContain('Would append 2 events')
  })

  it('says the current revision of a conflict, and takes it into the form', async () => {
    await open('#/deciders/order-decider/order-7f21')
    await screen.findByRole('feed')
    type('Payload', '{ "order": "7f21", "price": "4000" }')
    screen.getByRole('button', { name: /^Options/ }).click()
    await screen.findByLabelText('Expected revision')
    type('Expected revision', '3')
    await press(/^Decide/)
    const result = await screen.findByRole('region', { name: 'Result' })
    expect(result.textContent).toContain('Conflict: the stream is at revision 14')
    await press('Expect revision 14')
    await press(/^Decide/)
    await waitFor(() => expect(result.textContent).toContain('Appended as revisions 15 to 16'))
  })

  it('is decided once under one id', async () => {
    const { double } = await open('#/deciders/order-decider/order-7f21')
    await screen.findByRole('feed')
    type('Payload', '{ "order": "7f21", "price": "4000" }')
    screen.getByRole('button', { name: /^Options/ }).click()
    await screen.findByLabelText('Command id')
    type('Command id', 'no uuid')
    expect(await screen.findByText('Write a UUID, or leave it empty.')).toBeTruthy()
    type('Command id', '6ba7b810-9dad-11d1-80b4-00c04fd430c8')
    await press(/^Decide/)
    const result = await screen.findByRole('region', { name: 'Result' })
    await waitFor(() => expect(result.textContent).toContain('Decided: 2 events'))
    await press(/^Decide/)
    await waitFor(() => expect(result.textContent).toContain('Decided before: revisions 15 to 16'))
    expect(double.deciders.streams.get('order-7f21')?.length).toBe(16)
  })

  it('tells cause and next step of a fault', async () => {
    const { double } = await open('#/deciders/order-decider/order-7f21')
    await screen.findByRole('feed')
    double.deciders.nextFailure = sampleFault('sandbox.out_of_fuel', 'The call used all its fuel.')
    type('Payload', '{}')
    await press(/^Decide/)
    const result = await screen.findByRole('region', { name: 'Result' })
    expect(result.textContent).toContain('Faulted while deciding')
    expect(result.textContent).toContain('The call used all its fuel.')
    expect(result.textContent).toContain('What you can do.')
    expect(result.textContent).toContain('sandbox.out_of_fuel')
    expect(await findings()).toEqual([])
  })
})
