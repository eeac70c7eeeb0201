import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import type { CapabilityStanding } from '../../../shared/domain/module.ts'
import { parseInput } from '../../state/query-runs.svelte.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { sampleAccount } from '../../testing/guards/sample-approvals.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { busyMorning } from '../../testing/scenes.ts'

prepareBrowser()

const identity: CapabilityStanding = {
  name: 'identity',
  asked: 'optional',
  imported: true,
  verdict: 'granted',
  calls: 2,
  denied: 0,
}

function prepared(): ConsoleDouble {
  const double = new ConsoleDouble(busyMorning())
  const module = double.snapshot.modules.find(({ name }) => name === 'twap-monitor')!
  const others = module.capabilities.filter(({ name }) => name !== 'identity')
  double.setModule('twap-monitor', { capabilities: [...others, identity] })
  double.guards.addAccount(
    { address: sampleAccount, source: 'keystore', locked: false, createdAt: 0, grants: [] },
    'x',
  )
  return double
}

const granted = (name: string) =>
  screen.getByRole<HTMLInputElement>('switch', { name: `Grant ${name}` }).checked

describe('capabilities of a module', () => {
  it('are granted and taken back while it runs, each part by itself', async () => {
    const { double } = await openConsole('#/modules/twap-monitor/capabilities', prepared())
    ;(await screen.findByRole('switch', { name: 'Grant local-store' })).click()
    await waitFor(() => expect(granted('local-store')).toBe(false))
    expect(screen.getByText(/local-store taken back; it holds from the next call/)).toBeTruthy()
    screen.getByRole('switch', { name: 'Grant api.example.com' }).click()
    await waitFor(() => expect(granted('api.example.com')).toBe(false))
    screen.getByRole('switch', { name: 'Grant local-store' }).click()
    await waitFor(() => expect(granted('local-store')).toBe(true))
    expect(double.guards.entries.map(({ kind }) => kind)).toEqual(['revoked', 'revoked', 'granted'])
    expect(screen.queryByRole('switch', { name: 'Grant logging' })).toBeNull()
    expect(await axeFindings(document.body)).toEqual([])
  })

  it('ask first where something is risky, with the consequence, on the harmless answer', async () => {
    await openConsole('#/modules/twap-monitor/capabilities', prepared())
    for (const [name, consequence] of [
      ['*.workers.dev', 'Anyone may be able to put a server there'],
      ['eth_sendRawTransaction', 'Could move funds'],
      [sampleAccount, 'Could move funds'],
    ] as const) {
      ;(await screen.findByRole('switch', { name: `Grant ${name}` })).click()
      const ask = await screen.findByRole('alertdialog')
      expect(ask.textContent).toContain(consequence)
      await waitFor(() => expect(document.activeElement?.textContent).toBe('Keep refused'))
      await fireEvent.keyDown(ask, { key: 'Escape' })
      await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
      expect(granted(name)).toBe(false)
    }
    screen.getByRole('switch', { name: `Grant ${sampleAccount}` }).click()
    within(await screen.findByRole('alertdialog'))
      .getByRole('button', { name: 'Allow' })
      .click()
    await waitFor(() => expect(granted(sampleAccount)).toBe(true))
  })

  it('let the operator choose who agrees to signatures', async () => {
    const { double } = await openConsole('#/modules/twap-monitor/capabilities', prepared())
    const mode = await screen.findByRole('group', { name: 'Who agrees to each signature' })
    within(mode).getByRole('button', { name: 'Always' }).click()
    const ask = await screen.findByRole('alertdialog', { name: 'Let twap-monitor sign without asking you?' })
    within(ask).getByRole('button', { name: 'Allow' }).click()
    await waitFor(() => expect(double.guards.view('twap-monitor').approval).toBe('auto'))
    within(mode).getByRole('button', { name: 'Never' }).click()
    await waitFor(() => expect(double.guards.view('twap-monitor').approval).toBe('deny'))
  })

  it('permit a private address after a question, and refuse what is none', async () => {
    const { double } = await openConsole('#/modules/twap-monitor/capabilities', prepared())
    ;(await screen.findByRole('button', { name: 'Permit a private address…' })).click()
    const field = await screen.findByLabelText('Private address or range')
    await fireEvent.input(field, { target: { value: 'nowhere' } })
    screen.getByRole('button', { name: 'Permit…' }).click()
    expect(await screen.findByText(/Write an IP address/)).toBeTruthy()
    await fireEvent.input(field, { target: { value: '127.0.0.1' } })
    screen.getByRole('button', { name: 'Permit…' }).click()
    within(await screen.findByRole('alertdialog'))
      .getByRole('button', { name: 'Allow' })
      .click()
    await waitFor(() => expect(double.guards.view('twap-monitor').destinations).toEqual(['127.0.0.1']))
  })

  it('show denied calls as they come, with the way to the audit trail', async () => {
    const { double } = await openConsole('#/modules/twap-monitor/capabilities', prepared())
    const panel = await screen.findByRole('region', { name: 'Denied calls' })
    await within(panel).findByText(/None\./)
    double.guards.record({
      kind: 'denied',
      verdict: 'denied',
      module: 'twap-monitor',
      capability: 'http',
      method: 'fetch',
      text: 'POST hooks.slack.com',
      count: 12,
    })
    await within(panel).findByText(/POST hooks.slack.com/)
    expect(panel.textContent).toContain('12 times')
    expect(within(panel).getByRole('link', { name: 'Audit trail' }).getAttribute('href')).toBe(
      '#/settings/audit?module=twap-monitor',
    )
  })
})

describe('queries', () => {
  const opened = async () => {
    const double = new ConsoleDouble(busyMorning())
    double.setModule('twap-monitor', {
      contract: { id: 'query-module', title: 'Query module', world: 'query-module' },
    })
    return openConsole('#/modules/twap-monitor/query', double)
  }
  const write = (text: string) =>
    fireEvent.input(screen.getByLabelText('Input of the query'), { target: { value: text } })
  const run = () =>
    fireEvent.keyDown(screen.getByLabelText('Input of the query'), { key: 'Enter', ctrlKey: true })

  it('are asked with Ctrl Enter and answered as JSON, text or hex, with bytes and time', async () => {
    const { double } = await opened()
    await screen.findByText('Nothing asked yet')
    await write('{"to": ')
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Run query' }).disabled).toBe(true)
    await write('{"to":"0x12"}')
    await run()
    const answer = await screen.findByRole('region', { name: 'Answer' })
    await waitFor(() => expect(answer.textContent).toContain('"to": "0x12"'))
    expect(answer.textContent).toContain('13\u202fB')
    within(answer).getByRole('button', { name: 'Hex' }).click()
    await waitFor(() => expect(answer.textContent).toContain('7b 22 74 6f'))
    double.answerQuery = () => ({
      ok: false,
      error: { domain: 'rule-query', kind: 'invalid-input', code: 7, message: 'no such rule' },
    })
    await run()
    await screen.findByText('The module answered with an error of its own')
    expect(screen.getByText('no such rule')).toBeTruthy()
    expect(screen.getByText(/2 queries, forgotten with the window/)).toBeTruthy()
    expect(await axeFindings(document.body)).toEqual([])
  })

  it('have no tab where the contract has no query', async () => {
    await openConsole('#/modules/twap-monitor/query')
    expect(screen.queryByRole('tab', { name: 'Query' })).toBeNull()
  })

  it.each([
    [{ form: 'hex', input: '0x00 ff' }, [0, 255]],
    [{ form: 'hex', input: '0xf' }, null],
    [{ form: 'hex', input: 'zz' }, null],
    [{ form: 'text', input: 'ä' }, [0xc3, 0xa4]],
    [{ form: 'json', input: '[1]' }, [0x5b, 0x31, 0x5d]],
    [{ form: 'json', input: '[1' }, null],
  ] as const)('read %j', (draft, bytes) => {
    const parsed = parseInput(draft)
    expect(parsed.bytes === null ? null : [...parsed.bytes]).toEqual(bytes)
  })
})
