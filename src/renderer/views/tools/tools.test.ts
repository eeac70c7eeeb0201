import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { sampleModule } from '../../testing/samples.ts'
import { firstRun } from '../../testing/scenes.ts'
import { refusedTraces, sampleCall, sampleTrace } from '../../testing/tools/sample-tools.ts'

prepareBrowser()

const contract = { id: 'tool', title: 'Tool', world: 'near:agent/sandboxed-tool@0.4.1' }

async function open(hash: string, change: (double: ConsoleDouble) => void = () => {}) {
  const double = new ConsoleDouble({
    ...firstRun(),
    modules: [sampleModule('github-tool', { contract, subscriptions: [] })],
  })
  change(double)
  return openConsole(hash, double)
}

const form = (): Promise<HTMLElement> => screen.findByRole('form', { name: /^Call / })
const callButton = async (): Promise<HTMLElement> =>
  within(await form()).getByRole('button', { name: /^Call…?$/ })

async function fill(label: RegExp, value: string): Promise<void> {
  await fireEvent.input(within(await form()).getByLabelText(label), { target: { value } })
}

async function fillIn(): Promise<void> {
  await fill(/^owner/, 'gnosisguild')
  await fill(/^repo/, 'zodiac')
}

const failure = (kind: 'auth_required' | 'network_denied', more = {}) => ({
  ok: false as const,
  failure: {
    kind,
    code: null,
    message: 'No token.',
    secrets: [],
    httpStatus: null,
    settlementDeferred: false,
    ...more,
  },
})

describe('tools', () => {
  it('lists them with state, and reaches them by key and from the rail', async () => {
    await open('#/overview')
    await fireEvent.click(await screen.findByRole('link', { name: /^Tools/ }))
    const side = await screen.findByRole('region', { name: 'Tools' })
    expect(
      await within(side).findByRole('link', { name: /^github-tool 0\.4\.1 lacks a secret/ }),
    ).toBeTruthy()
    expect(within(side).getByRole('link', { name: /^slack-notify-tool 0\.2\.0 stopped/ })).toBeTruthy()
    expect(await within(side).findByRole('link', { name: /^etherscan_key/ })).toBeTruthy()
    expect(within(side).getByText('missing for etherscan-tool')).toBeTruthy()
  })

  it('makes a form of the schema, checks it as one types, and sends what was typed', async () => {
    const { double } = await open('#/tools/github-tool')
    expect(within(await form()).getByText(/^Account that the repository belongs to\./)).toBeTruthy()
    await fireEvent.click(await callButton())
    expect(within(await form()).getAllByText('Required, the schema says.')).toHaveLength(2)
    expect(double.tools.asked).toEqual([])
    await fillIn()
    await fill(/^limit/, '500')
    expect(within(await form()).getByText('At most 100, the schema says.')).toBeTruthy()
    expect(
      within(await form())
        .getByLabelText(/^limit/)
        .getAttribute('aria-invalid'),
    ).toBe('true')
    await fill(/^limit/, '50')
    await fill(/^labels/, 'bug\ndelay')
    await fireEvent.click(within(await form()).getByRole('radio', { name: 'yes' }))
    await fireEvent.keyDown(await form(), { key: 'Enter', ctrlKey: true })
    await waitFor(() =>
      expect(double.tools.asked).toContainEqual({
        call: 'call',
        input: {
          operation: 'github.list_issues',
          params: '{"owner":"gnosisguild","repo":"zodiac","limit":50,"labels":["bug","delay"],"drafts":true}',
          confirmed: false,
        },
      }),
    )
    const result = await screen.findByRole('region', { name: 'Result JSON' })
    await waitFor(() => expect(result.textContent).toContain('"number": 214'))
    expect(await screen.findByText('success')).toBeTruthy()
    await fireEvent.click(screen.getByRole('button', { name: 'Copy' }))
    await waitFor(() => expect(double.tools.asked).toContainEqual({ call: 'copyOutput', input: 'call-1' }))
    await fireEvent.click(screen.getByRole('button', { name: 'Call again' }))
    await waitFor(() => expect(double.tools.calls).toHaveLength(2))
    expect(double.tools.calls[0]?.params).toBe(double.tools.calls[1]?.params)
  })

  it('switches to JSON and back, and writes JSON alone where the schema has no form', async () => {
    await open('#/tools/github-tool')
    await fillIn()
    await fireEvent.click(await screen.findByRole('button', { name: 'JSON' }))
    const editor = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'Parameters, JSON' })
    expect(JSON.parse(editor.value)).toEqual({ owner: 'gnosisguild', repo: 'zodiac' })
    await fireEvent.input(editor, { target: { value: '{"owner":"a","repo":"b","limit":0}' } })
    expect(await screen.findByText('limit: At least 1, the schema says.')).toBeTruthy()
    await fireEvent.click(screen.getByRole('button', { name: 'Form' }))
    expect(within(await form()).getByLabelText<HTMLInputElement>(/^limit/).value).toBe('0')
    window.location.hash = '#/tools/etherscan-tool'
    expect(await screen.findByText(/Its schema uses oneOf, which no form can show/)).toBeTruthy()
    expect(screen.queryByRole('button', { name: 'Form' })).toBeNull()
  })

  it('asks before an operation that asks, says what it may do, and opens on the harmless answer', async () => {
    const { double } = await open('#/tools/github-tool/github.create_issue')
    await fillIn()
    await fireEvent.click(await callButton())
    const dialog = await screen.findByRole('alertdialog', { name: 'Call github.create_issue once?' })
    expect(dialog.textContent).toContain('Change or send something outside this machine')
    expect(dialog.textContent).toContain('github_token on api.github.com')
    expect(dialog.textContent).toContain('"owner":"gnosisguild"')
    expect(document.activeElement?.textContent).toBe('Don’t call')
    await fireEvent.keyDown(dialog, { key: 'Escape' })
    expect(double.tools.asked).toEqual([])
    await fireEvent.click(await callButton())
    await fireEvent.click(await screen.findByRole('button', { name: 'Call once' }))
    await waitFor(() =>
      expect(double.tools.asked[0]).toMatchObject({ call: 'call', input: { confirmed: true } }),
    )
  })

  it('changes a permission, says whose word it is, and does not call what is denied', async () => {
    const { double } = await open('#/tools/github-tool/github.delete_file')
    expect(await screen.findByText('never runs, by you; the tool says ask')).toBeTruthy()
    await fillIn()
    await fireEvent.click(await callButton())
    expect(double.tools.asked).toEqual([])
    await fireEvent.click(screen.getByRole('button', { name: 'Ask' }))
    await waitFor(() =>
      expect(double.tools.asked).toEqual([
        {
          call: 'setPermission',
          input: { name: 'github-tool', operation: 'github.delete_file', permission: null },
        },
      ]),
    )
    expect(await screen.findByText('asks you each time, as the tool declares')).toBeTruthy()
  })

  it('tells the state of a call that runs, and cancels it', async () => {
    const { double } = await open('#/tools/github-tool', (given) => (given.tools.answer = null))
    await fillIn()
    await fireEvent.click(await callButton())
    expect((await screen.findAllByText('running')).length).toBeGreaterThan(0)
    await fireEvent.click(await screen.findByRole('button', { name: 'Cancel' }))
    expect(double.tools.asked).toContainEqual({ call: 'cancel', input: 'call-1' })
    expect(await screen.findByText('Nothing acts for it any more; what it used is settled.')).toBeTruthy()
  })

  it('shows each request with the rule or the step that refused it, and the way to what is missing', async () => {
    await open('#/tools/github-tool', (given) => {
      const trace = [sampleTrace({ redactions: 2 }), ...refusedTraces()]
      given.tools.calls = [sampleCall('one', { trace, outcome: failure('network_denied') })]
    })
    const requests = await screen.findByRole('region', { name: 'Requests of the call' })
    const rows = within(requests).getAllByRole('row').slice(1)
    expect(rows).toHaveLength(4)
    expect(rows[0]?.textContent).toMatch(/allowed.*GET api\.github\.com\/repos.*api\.github\.com:443 GET \//s)
    expect(rows[0]?.textContent).toContain('github_token added, 2 matches redacted')
    expect(rows[1]?.textContent).toMatch(/refused.*on no allowlist.*policy_denied/s)
    expect(within(rows[2]!).getByRole('link', { name: 'What it may reach…' }).getAttribute('href')).toBe(
      '#/modules/github-tool/capabilities',
    )
    expect(within(rows[3]!).getByRole('link', { name: 'Grant github_token…' })).toBeTruthy()
    expect(screen.getByText('4 requests, 3 refused')).toBeTruthy()
    expect(screen.getByText('A request was refused')).toBeTruthy()
  })

  it('keeps the call that is looked at, and shows parameters, lines and usage of one that was chosen', async () => {
    const { double } = await open('#/tools/github-tool', (given) => {
      given.tools.calls = Array.from({ length: 300 }, (_, index) =>
        sampleCall(`c${index}`, { startedAt: Date.now() - index * 1_000 }),
      )
    })
    const list = await screen.findByRole('listbox', { name: 'Recent calls' })
    expect(within(list).getAllByRole('option').length).toBeLessThan(60)
    double.tools.put(sampleCall('from-mcp', { caller: 'mcp' }))
    await waitFor(() => expect(within(list).getAllByRole('option')[0]?.title).toMatch(/asked by MCP/))
    expect(within(list).getAllByRole('option')[1]?.getAttribute('aria-selected')).toBe('true')
    await fireEvent.click(within(list).getAllByRole('option')[0]!)
    await waitFor(() => expect(window.location.hash).toContain('call=from-mcp'))
    await fireEvent.click(screen.getByRole('button', { name: 'Lines 1' }))
    expect(await screen.findByText('asked for 2 issues')).toBeTruthy()
    await fireEvent.click(screen.getByRole('button', { name: 'Usage' }))
    expect(await screen.findByText('an assistant, over MCP')).toBeTruthy()
    await fireEvent.click(screen.getByRole('button', { name: 'Parameters' }))
    expect((await screen.findByRole('region', { name: 'Parameters of the call' })).textContent).toContain(
      '"owner": "gnosisguild"',
    )
  })

  it('draws only what is on screen of an answer of a megabyte', async () => {
    await open('#/tools/github-tool', (given) => {
      const output = JSON.stringify(
        Array.from({ length: 8_000 }, (_, index) => ({ number: index, title: 'x'.repeat(100) })),
      )
      given.tools.calls = [sampleCall('big', { outcome: { ok: true, output } })]
    })
    const result = await screen.findByRole('region', { name: 'Result JSON' })
    await waitFor(() => expect(result.textContent).toContain('"number": 3,'))
    expect(result.querySelectorAll('.line').length).toBeLessThan(100)
  })
})

describe('secrets', () => {
  it('sets one from a failure that needs it; the value goes and is nowhere on the page', async () => {
    const value = 'ghp_value-of-a-test'
    const { double, view } = await open('#/tools/etherscan-tool', (given) => {
      given.tools.calls = [
        sampleCall('one', {
          module: 'etherscan-tool',
          operation: 'etherscan.lookup',
          outcome: failure('auth_required', { secrets: ['etherscan_key'] }),
        }),
      ]
    })
    await fireEvent.click(await screen.findByRole('button', { name: 'Set etherscan_key…' }))
    const dialog = await screen.findByRole('dialog', { name: 'Set etherscan_key' })
    const field = within(dialog).getByLabelText<HTMLInputElement>('Value')
    expect(field.type).toBe('password')
    await fireEvent.input(field, { target: { value: 'abc' } })
    expect(dialog.textContent).toContain('At least 6 bytes')
    await fireEvent.input(field, { target: { value } })
    expect(dialog.textContent).toMatch(/19.B, hidden/)
    double.tools.refuseSet = new PaddockError('secret.unwritable', 'There is no room.')
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Keep secret' }))
    expect((await within(dialog).findByRole('alert')).textContent).toContain('secret.unwritable')
    expect(field.value).toBe('')
    double.tools.refuseSet = null
    await fireEvent.input(field, { target: { value } })
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Keep secret' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(new TextDecoder().decode(Uint8Array.from(double.tools.valuesSet[0]?.bytes ?? []))).toBe(value)
    expect(field.value).toBe('')
    expect(view.container.ownerDocument.documentElement.outerHTML).not.toContain(value)
    expect(JSON.stringify(double.calls)).not.toContain(value)
    expect(await screen.findByRole('link', { name: 'Grant etherscan_key…' })).toBeTruthy()
  })

  it('keeps the line ends of a value that is pasted, and forgets it when the dialog is left', async () => {
    const { double } = await open('#/tools?page=secrets')
    await fireEvent.click((await screen.findAllByRole('button', { name: 'Add secret…' }))[0]!)
    const dialog = await screen.findByRole('dialog', { name: 'Add a secret' })
    await fireEvent.input(within(dialog).getByLabelText('Name'), { target: { value: 'bad name' } })
    expect(dialog.textContent).toContain('Letters, digits')
    await fireEvent.input(within(dialog).getByLabelText('Name'), { target: { value: 'pem' } })
    const field = within(dialog).getByLabelText<HTMLInputElement>('Value')
    const paste = new Event('paste', { bubbles: true, cancelable: true })
    Object.assign(paste, { clipboardData: { getData: () => 'line one\nline two\n' } })
    field.dispatchEvent(paste)
    await waitFor(() => expect(field.placeholder).toBe('2 lines pasted'))
    expect(field.value).toBe('')
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Keep secret' }))
    await waitFor(() => expect(double.tools.valuesSet).toHaveLength(1))
    expect(double.tools.valuesSet[0]?.bytes).toHaveLength('line one\nline two\n'.length)
    await fireEvent.click((await screen.findAllByRole('button', { name: 'Add secret…' }))[0]!)
    const again = await screen.findByRole('dialog', { name: 'Add a secret' })
    const second = within(again).getByLabelText<HTMLInputElement>('Value')
    await fireEvent.input(second, { target: { value: 'typed and left' } })
    await fireEvent.keyDown(again, { key: 'Escape' })
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(second.value).toBe('')
    expect(double.tools.valuesSet).toHaveLength(1)
  })

  it('grants by tool and host, and says what a removal takes away', async () => {
    const { double } = await open('#/tools?page=secrets&secret=github_token')
    const card = await screen.findByRole('region', { name: 'github_token' })
    const other = within(card).getByRole<HTMLInputElement>('switch', { name: /uploads\.github\.com/ })
    expect(other.checked).toBe(false)
    expect(within(card).getByRole<HTMLInputElement>('switch', { name: /^api\.github/ }).checked).toBe(true)
    await fireEvent.click(other)
    await waitFor(() =>
      expect(double.tools.asked).toContainEqual({
        call: 'grant',
        input: {
          name: 'github-tool',
          secret: 'github_token',
          hosts: ['api.github.com', 'uploads.github.com'],
        },
      }),
    )
    await fireEvent.click(within(card).getByRole('button', { name: 'Remove…' }))
    const dialog = await screen.findByRole('alertdialog', { name: 'Remove github_token?' })
    expect(dialog.textContent).toContain('requests to api.github.com, uploads.github.com are refused')
    expect(document.activeElement?.textContent).toBe('Keep')
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Remove github_token' }))
    await waitFor(() => expect(double.tools.secrets.size).toBe(0))
    expect(await within(card).findByText('missing')).toBeTruthy()
  })
})

describe('server of tools', () => {
  it('is switched on, tells its addresses and never the token', async () => {
    const { double } = await open('#/tools?page=server')
    await fireEvent.click(await screen.findByRole('switch', { name: 'Serve tools on this machine' }))
    expect(await screen.findByText('listens')).toBeTruthy()
    expect(screen.getAllByText('http://127.0.0.1:7415/mcp').length).toBeGreaterThan(0)
    expect(screen.getByText('/home/ops/paddock/tool-token')).toBeTruthy()
    await fireEvent.click(screen.getByRole('button', { name: 'Copy configuration' }))
    await waitFor(() => expect(double.calls.map(({ call }) => call)).toContain('app.copyText'))
    const copied = double.calls.find(({ call }) => call === 'app.copyText')?.input as { text: string }
    expect(JSON.parse(copied.text)).toMatchObject({
      mcpServers: { paddock: { url: 'http://127.0.0.1:7415/mcp' } },
    })
    await fireEvent.click(screen.getByRole('button', { name: 'Show token file' }))
    expect(double.tools.asked).toContainEqual({ call: 'revealToken', input: null })
  })
})

describe('what teaches', () => {
  it('says what a tool is where none is loaded, and offers to start one that is stopped', async () => {
    const { double } = await open('#/tools/slack-notify-tool')
    await fireEvent.click(await screen.findByRole('button', { name: 'Start' }))
    await waitFor(() =>
      expect(double.calls).toContainEqual({ call: 'modules.start', input: { name: 'slack-notify-tool' } }),
    )
    double.tools.tools = []
    double.tools.tell()
    window.location.hash = '#/tools'
    expect(await screen.findByRole('heading', { name: 'No tool is loaded' })).toBeTruthy()
  })

  it('reaches tools, operations and secrets from the palette', async () => {
    const { state } = await open('#/overview')
    state.paletteOpen = true
    const field = await screen.findByRole('combobox')
    await fireEvent.input(field, { target: { value: 'create_issue' } })
    expect(await screen.findByRole('option', { name: /^github\.create_issue asks you/ })).toBeTruthy()
    await fireEvent.input(field, { target: { value: '>set secret ether' } })
    await fireEvent.click(await screen.findByRole('option', { name: /^Set secret etherscan_key/ }))
    expect(await screen.findByRole('dialog', { name: 'Set etherscan_key' })).toBeTruthy()
  })

  it.each([
    '#/tools',
    '#/tools/github-tool/github.create_issue',
    '#/tools/etherscan-tool',
    '#/tools/slack-notify-tool',
    '#/tools?page=secrets',
    '#/tools?page=server',
  ])('has names and roles that axe accepts: %s', async (hash) => {
    const { view } = await open(hash, (double) => {
      double.tools.calls = [sampleCall('one', { trace: [sampleTrace(), ...refusedTraces()] })]
    })
    await screen.findAllByRole('heading', { level: 2 })
    expect(await axeFindings(view.container)).toEqual([])
  })
})
