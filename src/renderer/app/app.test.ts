import { render, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { ConsoleState } from '../state/console.svelte.ts'
import { silentAfterMs } from '../state/engine.svelte.ts'
import { ConsoleDouble } from '../testing/console-double.ts'
import { axeFindings, openConsole, prepareBrowser } from '../testing/open-console.ts'
import { sampleDispatch, sampleLog } from '../testing/samples.ts'
import { busyMorning, firstRun } from '../testing/scenes.ts'
import App from './App.svelte'

prepareBrowser()

const open = openConsole
const findings = axeFindings

function key(name: string, more: KeyboardEventInit = {}): void {
  const target = document.activeElement ?? document.body
  target.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, ...more }))
}

describe('overview', () => {
  it('says the verdict and offers the next step of each trouble', async () => {
    const { double } = await open('#/overview')
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('6 things need attention')
    screen.getByRole('button', { name: 'Revive' }).click()
    await waitFor(() =>
      expect(double.calls).toContainEqual({ call: 'modules.revive', input: { name: 'price-alert' } }),
    )
    await waitFor(() =>
      expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('5 things need attention'),
    )
    expect(screen.getByText('price-alert revived')).toBeTruthy()
  })
  it('teaches on a first run', async () => {
    await open('#/overview', new ConsoleDouble(firstRun()))
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Nothing is loaded yet')
    expect(screen.getByRole('heading', { name: 'A chain to react to: the local devnet runs' })).toBeTruthy()
    expect(screen.getAllByRole('button', { name: 'Add module' }).length).toBeGreaterThan(0)
  })
  it('says so when the engine falls silent', async () => {
    const { state } = await open('#/overview')
    state.engine.heardAt = Date.now() - silentAfterMs - 2_500
    expect(await screen.findByText(/Engine not answering for/)).toBeTruthy()
  })
})

describe('modules', () => {
  const rows = (): string[] =>
    within(screen.getByRole('grid'))
      .getAllByRole('row')
      .slice(1, -1)
      .map((row) => row.getAttribute('data-name') ?? '')

  it('lists trouble first, filters, and says how many are hidden', async () => {
    const { state } = await open('#/modules')
    expect(rows().slice(0, 3)).toEqual(['price-alert', 'bridge-sentinel', 'gas-oracle'])
    state.router.refine({ q: 'error:chain' })
    await waitFor(() => expect(rows()).toEqual(['bridge-sentinel', 'twap-monitor']))
    state.router.refine({ q: 'oracel' })
    expect(await screen.findByText('No module matches “oracel”')).toBeTruthy()
    expect(screen.getByText(/16 modules are hidden by this filter/)).toBeTruthy()
  })
  it('sorts by a column and back', async () => {
    await open('#/modules')
    screen.getByRole('button', { name: 'Events/s' }).click()
    await waitFor(() => expect(rows()[0]).toBe('mempool-sample'))
    expect(screen.getByRole('columnheader', { name: 'Events/s' }).getAttribute('aria-sort')).toBe('ascending')
  })
  it('acts on a selection, and asks before it removes', async () => {
    const { double } = await open('#/modules')
    screen.getByRole('checkbox', { name: 'Select block-logger' }).click()
    screen.getByRole('checkbox', { name: 'Select slack-notify' }).click()
    const bar = await screen.findByRole('toolbar', { name: 'Selected modules' })
    expect(within(bar).getByRole('button', { name: 'Start 1' })).toBeTruthy()
    within(bar).getByRole('button', { name: 'Remove 2…' }).click()
    const dialog = await screen.findByRole('alertdialog', { name: 'Remove 2 modules?' })
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Keep'))
    expect(double.calls.filter((each) => each.call === 'modules.remove')).toEqual([])
    within(dialog).getByRole('button', { name: 'Remove' }).click()
    await waitFor(() =>
      expect(double.calls.filter((each) => each.call === 'modules.remove').map((each) => each.input)).toEqual(
        [
          { name: 'block-logger', purgeStore: false },
          { name: 'slack-notify', purgeStore: false },
        ],
      ),
    )
    expect(double.snapshot.modules.some((module) => module.name === 'block-logger')).toBe(false)
  })
  it('moves by key with one tab stop', async () => {
    const { state } = await open('#/modules')
    const stops = (): string[] =>
      within(screen.getByRole('grid'))
        .getAllByRole('row')
        .filter((row) => row.tabIndex === 0)
        .map((row) => row.getAttribute('data-name') ?? '')
    expect(stops()).toEqual(['price-alert'])
    key('j')
    await waitFor(() => expect(document.activeElement?.getAttribute('data-name')).toBe('price-alert'))
    key('j')
    await waitFor(() => expect(document.activeElement?.getAttribute('data-name')).toBe('bridge-sentinel'))
    expect(stops()).toEqual(['bridge-sentinel'])
    key('Enter')
    await waitFor(() => expect(state.router.current.item).toBe('bridge-sentinel'))
  })
})

describe('consent', () => {
  it('shows risky asks first, counts what is allowed, and starts on the harmless answer', async () => {
    const { double, state } = await open('#/modules')
    state.install.offer(['/tmp/limit-keeper.tar.gz'])
    const dialog = await screen.findByRole('dialog', { name: 'Allow limit-keeper 0.5.1 to run?' })
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Don’t install'))
    const switches = within(dialog).getAllByRole('switch')
    expect(switches.map((each) => (each as HTMLInputElement).checked)).toEqual([false, false, true, true])
    expect(await findings(dialog)).toEqual([])
    within(dialog).getByRole('switch', { name: 'Call any host under *.workers.dev' }).click()
    within(dialog).getByRole('switch', { name: 'Read Ethereum and Base' }).click()
    const lacking = await within(dialog).findByRole('button', { name: 'Allow 2 of 4 and start' })
    expect((lacking as HTMLButtonElement).disabled).toBe(true)
    expect(within(dialog).getByText(/It needs “Read Ethereum and Base”/)).toBeTruthy()
    within(dialog).getByRole('switch', { name: 'Read Ethereum and Base' }).click()
    ;(await within(dialog).findByRole('button', { name: 'Allow 3 of 4 and start' })).click()
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    const call = double.calls.find((each) => each.call === 'modules.install')
    expect((call?.input as { granted: string[] }).granted).not.toContain('identity')
  })
  it('Esc installs nothing', async () => {
    const { double, state } = await open('#/modules')
    state.install.offer(['/tmp/a.wasm'])
    await screen.findByRole('dialog')
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Don’t install'))
    key('Escape')
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(double.calls.map((each) => each.call)).toContain('modules.discard')
    expect(double.calls.map((each) => each.call)).not.toContain('modules.install')
  })
  it('says cause, remedy and code of a bundle that cannot be loaded', async () => {
    const double = new ConsoleDouble(busyMorning())
    double.badPaths.set(
      '/tmp/core.wasm',
      new PaddockError('component.core_module', 'core.wasm is a core module, not a component.'),
    )
    const { state } = await open('#/modules', double)
    state.install.offer(['/tmp/core.wasm'])
    const alert = await screen.findByRole('alert')
    expect(alert.textContent).toContain('Could not load core.wasm')
    expect(alert.textContent).toContain('jco new')
    expect(alert.textContent).toContain('component.core_module')
    within(alert).getByRole('button', { name: 'Copy details' }).click()
    await waitFor(() => expect(double.calls.map((each) => each.call)).toContain('app.copyText'))
  })
  it('takes a dropped file by its path', async () => {
    const { double } = await open('#/logs')
    const event = new Event('drop', { bubbles: true, cancelable: true })
    Object.assign(event, { dataTransfer: { types: ['Files'], files: [new File([], 'block-logger')] } })
    window.dispatchEvent(event)
    expect(event.defaultPrevented).toBe(true)
    await screen.findByRole('dialog')
    expect(double.calls).toContainEqual({ call: 'modules.inspect', input: { path: '/tmp/block-logger' } })
  })
})

describe('module', () => {
  it('shows dispatches as they come, and what each cost', async () => {
    const double = new ConsoleDouble(busyMorning())
    double.dispatches.set('twap-monitor', [sampleDispatch(1)])
    await open('#/modules/twap-monitor', double)
    await screen.findByRole('heading', { name: 'Recent dispatches' })
    const error = new PaddockError('chain.timeout', 'No answer in 30 s.').toReport()
    double.dispatch('twap-monitor', sampleDispatch(2, { result: 'rolled-back', error, writes: 0 }))
    const row = (await screen.findByText('chain.timeout')).closest('tr')!
    row.click()
    expect(await screen.findByText(/No answer in 30 s\./)).toBeTruthy()
  })
  it('switches tabs by number, and pages a store', async () => {
    const double = new ConsoleDouble(busyMorning())
    // Made here, because jsdom's Uint8Array is not the one Node's TextEncoder makes.
    double.store.set(
      'count',
      Uint8Array.from('{"blocks":7}', (character) => character.charCodeAt(0)),
    )
    await open('#/modules/twap-monitor', double)
    key('5')
    const cell = await screen.findByText('count')
    cell.click()
    expect((await screen.findByLabelText('Value of count')).textContent).toContain('"blocks": 7')
    expect(screen.getByRole('tab', { name: 'State' }).getAttribute('aria-selected')).toBe('true')
  })
  it('says so when the module is not there', async () => {
    window.location.hash = '#/modules/ghost'
    const state = new ConsoleState(new ConsoleDouble(busyMorning()).client, { pathForFile: () => '' })
    render(App, { state })
    expect(await screen.findByText('ghost is not loaded')).toBeTruthy()
  })
})

describe('chains', () => {
  it('corrects an address as one types, tests it, and saves', async () => {
    const { double } = await open('#/chains/100')
    const field = screen.getByLabelText<HTMLInputElement>('Endpoint 1')
    const type = (text: string): void => {
      field.value = text
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }
    type('https://a .example')
    expect(await screen.findByText('There is a blank in the address. Remove it.')).toBeTruthy()
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Save Gnosis' }).disabled).toBe(true)
    type('https://dead.example')
    await waitFor(() => expect(screen.queryByText('There is a blank in the address. Remove it.')).toBeNull())
    screen.getByRole('button', { name: 'Test endpoint 1' }).click()
    expect(await screen.findByText(/Nothing answers at this address/)).toBeTruthy()
    screen.getByRole('button', { name: 'Save Gnosis' }).click()
    await waitFor(() => expect(double.calls.map((each) => each.call)).toContain('chains.save'))
    expect(
      double.snapshot.chains.find((chain) => chain.config.chainId === '100')?.config.endpoints[0]?.url,
    ).toBe('https://dead.example')
  })
  it('reorders by key', async () => {
    await open('#/chains/100')
    screen.getByLabelText('Endpoint 2').focus()
    key('ArrowUp', { altKey: true })
    await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>('Endpoint 1').value).toContain('drpc'))
  })
  it('stops and starts the devnet', async () => {
    const { double } = await open('#/chains')
    screen.getByRole('button', { name: 'Stop devnet' }).click()
    await waitFor(() => expect(double.snapshot.devnet.state).toBe('stopped'))
    expect(await screen.findByRole('button', { name: 'Start devnet' })).toBeTruthy()
  })
})

describe('palette and keys', () => {
  it('finds and runs', async () => {
    const { state } = await open('#/overview')
    key('k', { ctrlKey: true })
    const field = await screen.findByRole('combobox')
    await waitFor(() => expect(document.activeElement).toBe(field))
    ;(field as HTMLInputElement).value = 'gnosis'
    field.dispatchEvent(new Event('input', { bubbles: true }))
    await screen.findByRole('option', { name: /Gnosis 100/ })
    expect(await findings(screen.getByRole('dialog'))).toEqual([])
    key('Enter')
    await waitFor(() => expect(state.router.current).toMatchObject({ screen: 'chains', item: '100' }))
    expect(screen.queryByRole('combobox')).toBeNull()
  })
  it('goes to screens by G and lists the keys by ?', async () => {
    await open('#/overview')
    key('g')
    key('m')
    await screen.findByRole('heading', { level: 1, name: 'Modules' })
    key('?', { shiftKey: true })
    const sheet = await screen.findByRole('dialog', { name: 'Keys of this screen' })
    expect(within(sheet).getByText('Restart')).toBeTruthy()
  })
})

describe('accessibility', () => {
  it.each([
    '#/overview',
    '#/modules',
    '#/modules/twap-monitor',
    '#/modules/twap-monitor/logs',
    '#/modules/twap-monitor/resources',
    '#/modules/twap-monitor/capabilities',
    '#/modules/twap-monitor/state',
    '#/modules/twap-monitor/config',
    '#/modules/price-alert',
    '#/chains/100',
    '#/chains?add=1',
    '#/logs',
    '#/settings',
  ])('axe finds nothing on %s', async (hash) => {
    const double = new ConsoleDouble(busyMorning())
    double.dispatches.set('twap-monitor', [sampleDispatch(2), sampleDispatch(1)])
    double.store.set('a', new Uint8Array([1]))
    double.logs.push(sampleLog(0), sampleLog(1, { level: 'error', code: 'chain.timeout' }))
    const { view } = await open(hash, double)
    await new Promise((resolve) => requestAnimationFrame(resolve))
    expect(await findings(view.container)).toEqual([])
  })
})

describe('a module in quarantine', () => {
  it('says why, shows its last lines, and offers what can be done', async () => {
    const double = new ConsoleDouble(busyMorning())
    double.logs.push(sampleLog(1, { module: 'price-alert', message: 'the last thing it said' }))
    await open('#/modules/price-alert', double)
    const panel = await screen.findByRole('region', { name: 'In quarantine' })
    expect(panel.textContent).toContain('It failed by its own fault: Used 1 000 M fuel in one event.')
    expect(panel.textContent).toContain('after 5 failures')
    expect(await within(panel).findByText(/the last thing it said/)).toBeTruthy()
    within(panel).getByRole('button', { name: 'Remove…' }).click()
    expect(await screen.findByRole('alertdialog')).toBeTruthy()
    key('Escape')
    within(panel).getByRole('button', { name: 'Disable' }).click()
    expect(await screen.findByText(/price-alert disabled/)).toBeTruthy()
  })
  it('is revived from there', async () => {
    const { double } = await open('#/modules/price-alert')
    const panel = await screen.findByRole('region', { name: 'In quarantine' })
    expect(await findings(panel)).toEqual([])
    within(panel).getByRole('button', { name: 'Revive' }).click()
    await waitFor(() => expect(screen.queryByRole('region', { name: 'In quarantine' })).toBeNull())
    expect(double.calls).toContainEqual({ call: 'modules.revive', input: { name: 'price-alert' } })
  })
})

describe('limits', () => {
  it('are checked as one types and set as a whole', async () => {
    const { double } = await open('#/modules/slot-counter/resources')
    const panel = await screen.findByRole('region', { name: 'Limits' })
    const field = within(panel).getByLabelText<HTMLInputElement>('Time/event')
    const type = (text: string): void => {
      field.value = text
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }
    type('ages')
    await waitFor(() => expect(field.getAttribute('aria-invalid')).toBe('true'))
    const save = within(panel).getByRole<HTMLButtonElement>('button', { name: 'Set limits' })
    expect(save.disabled).toBe(true)
    type('12.5')
    await waitFor(() => expect(save.disabled).toBe(false))
    expect(await findings(panel)).toEqual([])
    save.click()
    await waitFor(() =>
      expect(double.snapshot.modules.find(({ name }) => name === 'slot-counter')?.limitsSet).toEqual({
        deadlineMs: 12_500,
      }),
    )
    expect(await screen.findByText('Limits of slot-counter set')).toBeTruthy()
  })
})
