import { render, screen, waitFor, within } from '@testing-library/svelte'
import axe from 'axe-core'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import App from '../../app/App.svelte'
import { ConsoleState } from '../../state/console.svelte.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { orderDecider, sampleFault } from '../../testing/decider-samples.ts'
import { sampleModule } from '../../testing/samples.ts'
import { busyMorning } from '../../testing/scenes.ts'

/** jsdom lays nothing out: what is watched is told that it has some height, so that lists show rows. */
class StandInObserver {
  private readonly listener: ResizeObserverCallback
  constructor(listener: ResizeObserverCallback) {
    this.listener = listener
  }
  observe(target: Element): void {
    const height = target.getAttribute('role') === 'feed' ? 600 : 52
    const entry = { target, contentRect: { width: 800, height } } as unknown as ResizeObserverEntry
    queueMicrotask(() => this.listener([entry], this as unknown as ResizeObserver))
  }
  unobserve(): void {}
  disconnect(): void {}
}

beforeAll(() => {
  vi.stubGlobal('ResizeObserver', StandInObserver)
  vi.stubGlobal('matchMedia', () => ({
    matches: false,
    addEventListener: () => {},
    removeEventListener: () => {},
  }))
  Object.defineProperty(HTMLElement.prototype, 'offsetParent', { get: () => document.body })
  HTMLCanvasElement.prototype.getContext = () => null
  Element.prototype.scrollTo = () => {}
  Element.prototype.scrollIntoView = () => {}
  vi.stubGlobal('CSS', { escape: (text: string) => text.replaceAll('"', '\\"') })
})

beforeEach(() => {
  window.location.hash = ''
  localStorage.clear()
})

function orders(): ConsoleDouble {
  const double = new ConsoleDouble(busyMorning())
  double.change({
    modules: [
      sampleModule('order-decider', {
        contract: { id: 'decider', title: 'Decider', world: 'trogon:decider/handler@0.3.0' },
      }),
    ],
  })
  double.deciders.execute('shop.orders.PlaceOrder', { order: '7f21', of: 12 })
  double.deciders.execute('shop.orders.SetPriceFloor', { order: '7f21', floor: '3380.00' })
  for (let part = 1; part <= 6; part += 1) {
    double.deciders.execute('shop.orders.ExecutePart', { order: '7f21', price: '3412.08', part })
  }
  double.deciders.execute('shop.orders.PlaceOrder', { order: '7f22', of: 3 })
  return double
}

async function open(hash: string, double = orders()) {
  window.location.hash = hash
  const state = new ConsoleState(double.client, { pathForFile: (file) => `/tmp/${file.name}` })
  render(App, { state })
  await screen.findByRole('heading', { level: 1 })
  return { double, state }
}

async function findings(): Promise<string[]> {
  // Colours and sizes need a layout; the end-to-end tests check those in a window.
  const result = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  })
  return result.violations.map(
    (each) => `${each.id}: ${each.nodes.map((node) => `${node.failureSummary} ${node.html}`).join(' | ')}`,
  )
}

const region = (name: string | RegExp): HTMLElement => screen.getByRole('region', { name })

function type(label: string | RegExp, text: string): void {
  const field = screen.getByLabelText<HTMLInputElement | HTMLTextAreaElement>(label)
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
}

function choose(command: string): void {
  const select = screen.getByLabelText<HTMLSelectElement>('Type')
  select.value = `shop.orders.${command}`
  select.dispatchEvent(new Event('change', { bubbles: true }))
}

async function press(name: string | RegExp): Promise<void> {
  const button = await screen.findByRole<HTMLButtonElement>('button', { name })
  await waitFor(() => expect(button.disabled).toBe(false))
  button.click()
}

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
    expect((await within(codes).findByText('decider.rejected')).closest('tr')?.textContent).toContain('1')
    expect(within(region('Commands')).getAllByText('rejected').length).toBe(1)
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
