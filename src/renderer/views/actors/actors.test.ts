import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import { integer, text } from '../../testing/actors/actor-content.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { sampleModule } from '../../testing/samples.ts'
import { firstRun } from '../../testing/scenes.ts'

prepareBrowser()

const contract = { id: 'actor', title: 'Actor', world: 'paddock:actor/actor@0.1.0' }

async function open(hash: string, change: (double: ConsoleDouble) => void = () => {}) {
  const double = new ConsoleDouble({
    ...firstRun(),
    modules: [sampleModule('todo-actor', { contract, subscriptions: [] })],
  })
  change(double)
  return openConsole(hash, double)
}

const findings = axeFindings

const rowsOf = async (name: string): Promise<HTMLElement[]> =>
  within(await screen.findByRole('grid', { name })).getAllByRole('row')

async function choose(item: string): Promise<void> {
  await fireEvent.click(await screen.findByRole('button', { name: 'More actions' }))
  await fireEvent.click(await screen.findByRole('menuitem', { name: new RegExp(`^${item}`) }))
}

async function ask(method: string, payload = ''): Promise<HTMLElement> {
  const dialog = screen.queryByRole('dialog') ?? (await openRequest())
  await fireEvent.input(within(dialog).getByLabelText('Method'), { target: { value: method } })
  await fireEvent.input(within(dialog).getByLabelText('Payload, JSON'), { target: { value: payload } })
  await fireEvent.click(within(dialog).getByRole('button', { name: /^Send/ }))
  return within(dialog).findByRole('region', { name: 'Answer' })
}

async function openRequest(): Promise<HTMLElement> {
  await fireEvent.click(await screen.findByRole('button', { name: 'Send request…' }))
  return screen.findByRole('dialog')
}

describe('actors', () => {
  it('lists them with state and age, awake ones first, and finds one by a part of its key', async () => {
    await open('#/actors')
    const side = await screen.findByRole('region', { name: 'Actors' })
    await within(side).findByRole('link', { name: /^alice awake 17 s/ })
    const keys = (): (string | undefined)[] =>
      within(side)
        .getAllByRole('link')
        .filter((link) => / (awake|asleep)/.test(link.textContent))
        .map((link) => link.querySelector('.clip')?.textContent)
    expect(keys()).toEqual(['alice', 'ops-team', 'carol', 'dave'])
    expect(side.textContent).toContain('2 of 4 awake. An actor sleeps after 30 s without a request')
    await fireEvent.input(within(side).getByRole('searchbox'), { target: { value: 'OPS' } })
    await waitFor(() => expect(keys()).toEqual(['ops-team']))
    await fireEvent.input(within(side).getByRole('searchbox'), { target: { value: 'nobody' } })
    expect(await within(side).findByText(/No key has “nobody” in it/)).toBeTruthy()
  })

  it('shows rows with exact integers, faint NULL and blobs in hexadecimal, and the entries beside the tables', async () => {
    await open('#/actors/todo-actor/alice')
    const rows = await rowsOf('Rows of todos')
    expect(rows).toHaveLength(9)
    expect(rows[0]?.textContent).toMatch(/^id\sinteger/)
    expect(rows[1]?.textContent).toContain('9007199254740993')
    expect(within(rows[1]!).getByText('null').className).toContain('zero')
    expect(rows[1]?.textContent).toMatch(/3.B c0ffee/)
    await fireEvent.click(await screen.findByRole('link', { name: /^key-value 1 key/ }))
    expect((await rowsOf('Rows of key-value'))[1]?.textContent).toContain('last-import')
  })

  it('reads a long table page by page and renders only what is on screen', async () => {
    await open('#/actors/todo-actor/alice', (double) => {
      const [alice] = double.actors.actors.values()
      const [table] = alice!.tables
      const rows = Array.from({ length: 5_000 }, (_, index) => [integer(index), text(`todo ${index}`)])
      alice!.tables = [
        { facts: { ...table!.facts, columns: table!.facts.columns.slice(0, 2), rows: 5_000 }, rows },
      ]
    })
    expect(await screen.findByText(/^200 of 5.000 rows read; scroll for more/)).toBeTruthy()
    expect((await rowsOf('Rows of todos')).length).toBeLessThan(80)
  })

  it('does not wake a sleeping actor until the operator asks', async () => {
    const { double } = await open('#/actors/todo-actor/carol')
    await screen.findByRole('heading', { name: 'carol is asleep' })
    const carol = [...double.actors.actors.values()].find(({ view }) => view.key[0] === 'carol')
    expect(carol?.view.state).toBe('sleeping')
    await fireEvent.click(screen.getByRole('button', { name: 'Wake and look' }))
    await screen.findByText(/^Awake for/)
    expect(carol?.view.state).toBe('running')
    await fireEvent.click(screen.getByRole('button', { name: 'Put to sleep' }))
    await screen.findByText(/^Asleep for/)
  })

  it('follows what the actor writes, without an action of the operator', async () => {
    const { double } = await open('#/actors/todo-actor/alice')
    expect(await rowsOf('Rows of todos')).toHaveLength(9)
    const [alice] = double.actors.actors.values()
    const [table] = alice!.tables
    alice!.tables = [{ facts: { ...table!.facts, rows: 9 }, rows: [...table!.rows, table!.rows[1]!] }]
    alice!.view = { ...alice!.view, requests: alice!.view.requests + 1 }
    await waitFor(async () => expect(await rowsOf('Rows of todos')).toHaveLength(10), { timeout: 4_000 })
  })

  it('runs a query with Ctrl Enter, tells its plan, keeps it, copies it, and shows a refusal with its code', async () => {
    const { double } = await open('#/actors/todo-actor/alice')
    const sql = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'SQL' })
    await waitFor(() => expect(sql.value).toMatch(/^select id, title, done, due, token\nfrom todos/))
    await fireEvent.input(sql, { target: { value: 'select * from todos limit 3' } })
    await fireEvent.keyDown(sql, { key: 'Enter', ctrlKey: true })
    expect(await rowsOf('Rows of the query')).toHaveLength(4)
    await fireEvent.click(screen.getByRole('button', { name: 'Copy as CSV' }))
    await waitFor(() =>
      expect(double.calls).toContainEqual({
        call: 'app.copyText',
        input: {
          text: expect.stringMatching(/^id,title,done,due,token\r\n9007199254740993,Rotate/) as string,
        },
      }),
    )
    await fireEvent.click(screen.getByRole('button', { name: 'Plan' }))
    expect(await screen.findByText('reads every row, no index')).toBeTruthy()
    await fireEvent.click(screen.getByRole('button', { name: /^Rows/ }))
    await fireEvent.input(sql, { target: { value: 'delete from todos' } })
    await fireEvent.keyDown(sql, { key: 'Enter', ctrlKey: true })
    expect((await screen.findByRole('alert')).textContent).toContain('sqlite.statement_refused')
    await fireEvent.click(screen.getByRole('button', { name: 'History' }))
    const history = screen.getByRole('region', { name: 'Queries run before' })
    expect(within(history).getAllByRole('listitem')).toHaveLength(2)
    await fireEvent.click(within(history).getByRole('button', { name: 'select * from todos limit 3' }))
    expect(sql.value).toBe('select * from todos limit 3')
  })

  it('tells what the actor ran, and what was refused by its code', async () => {
    await open('#/actors/todo-actor/alice')
    const ran = await screen.findByRole('region', { name: 'What the actor ran' })
    await within(ran).findByText('UPDATE todos SET done = 1 WHERE id = ?')
    expect(ran.textContent).toContain('last 3 statements; 1 read, 1 written, 1 refused')
    await fireEvent.click(within(ran).getByRole('button', { name: 'Failed 1' }))
    expect(within(ran).getByText('sqlite.statement_refused')).toBeTruthy()
    await fireEvent.click(within(ran).getByRole('button', { name: 'Slow 0' }))
    expect(within(ran).getByText('None took 1 s or more.')).toBeTruthy()
  })
})

describe('requests and actions', () => {
  it('refuses to send what is no JSON, and shows an answer with its time', async () => {
    const { double } = await open('#/actors/todo-actor/alice')
    const dialog = await openRequest()
    await fireEvent.input(within(dialog).getByLabelText('Method'), { target: { value: 'count' } })
    await fireEvent.input(within(dialog).getByLabelText('Payload, JSON'), { target: { value: '{' } })
    expect(within(dialog).getByText(/^Not JSON:/)).toBeTruthy()
    expect(within(dialog).getByRole<HTMLButtonElement>('button', { name: /^Send/ }).disabled).toBe(true)
    const answer = await ask('count', '{"all":true}')
    expect(answer.textContent).toContain('"total": 8')
    expect(double.actors.calls).toContainEqual({
      call: 'request',
      input: { key: ['alice'], method: 'count', payload: '{"all":true}' },
    })
  })

  it('tells an own error, an unknown outcome and a full queue apart, each with the next step', async () => {
    await open('#/actors/todo-actor/alice')
    expect((await ask('finish')).textContent).toContain('The actor answered with an error')
    await waitFor(async () => {
      const answer = await ask('vanish')
      expect(answer.textContent).toContain('It is not known whether the request was applied')
      expect(answer.textContent).toContain('Look at its tables before you send it again')
      expect(within(answer).queryByRole('button', { name: 'Send again' })).toBeNull()
    })
    await waitFor(async () => {
      const answer = await ask('busy')
      expect(answer.textContent).toContain('Nothing of it was applied')
      expect(within(answer).getByRole('button', { name: 'Send again' })).toBeTruthy()
    })
  })

  it('names what is lost before it destroys, and opens on the harmless answer', async () => {
    const { double } = await open('#/actors/todo-actor/alice')
    await rowsOf('Rows of todos')
    await choose('Destroy')
    const dialog = await screen.findByRole('alertdialog', { name: 'Destroy alice?' })
    expect(dialog.textContent).toContain('todos: 8 rows')
    expect(dialog.textContent).toContain('key-value: 1 key')
    expect(document.activeElement?.textContent).toBe('Keep')
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Destroy alice' }))
    await waitFor(() => expect(double.actors.actors.size).toBe(3))
    await waitFor(() => expect(window.location.hash).toBe('#/actors/todo-actor'))
  })

  it('backs up, exports and imports where the dialogs say', async () => {
    const { double } = await open('#/actors/todo-actor/alice')
    await rowsOf('Rows of todos')
    await choose('Back up')
    expect(await screen.findByText('alice backed up, 7 pages, to /tmp/alice.db')).toBeTruthy()
    await choose('Import')
    await fireEvent.click(await screen.findByRole('button', { name: 'Replace database' }))
    expect(await screen.findByText('alice has the file’s 1 table now')).toBeTruthy()
    expect(double.actors.calls.map(({ call }) => call)).toEqual(['backup', 'import'])
  })

  it('says what is wrong with a damaged database and with a remote engine that is away', async () => {
    const lastError = (code: 'sqlite.corrupt' | 'sqlite.remote_unavailable') => ({
      time: Date.now() - 60_000,
      error: new PaddockError(code, 'It does not answer.').toReport(),
    })
    const { double } = await open('#/actors/todo-actor/alice', (given) => {
      const [alice] = given.actors.actors.values()
      alice!.view = { ...alice!.view, lastError: lastError('sqlite.corrupt') }
    })
    expect(await screen.findByText('Its database is damaged.')).toBeTruthy()
    expect(await screen.findByRole('link', { name: /^alice damaged/ })).toBeTruthy()
    double.actors.placement = 'remote'
    const [alice] = double.actors.actors.values()
    alice!.view = { ...alice!.view, lastError: lastError('sqlite.remote_unavailable') }
    const text = 'The engine that keeps its database does not answer.'
    expect(await screen.findByText(text, {}, { timeout: 4_000 })).toBeTruthy()
    expect(screen.getByText('remote database')).toBeTruthy()
  })
})

describe('what teaches', () => {
  it('says how a first actor comes to be', async () => {
    await open('#/actors/todo-actor', (double) => double.actors.actors.clear())
    await screen.findByRole('heading', { name: 'No actor yet' })
    const dialog = await openRequest()
    await fireEvent.input(within(dialog).getByLabelText('Actor key'), { target: { value: 'team/new' } })
    await ask('count')
    await waitFor(() => expect(window.location.hash).toBe('#/actors/todo-actor/team%2Fnew'))
  })

  it('offers to start a module that is stopped', async () => {
    const { double } = await open('#/actors/todo-actor', (given) =>
      given.setModule('todo-actor', { status: { state: 'stopped', since: Date.now() } }),
    )
    await fireEvent.click(await screen.findByRole('button', { name: 'Start todo-actor' }))
    await waitFor(() =>
      expect(double.calls).toContainEqual({ call: 'modules.start', input: { name: 'todo-actor' } }),
    )
  })

  it.each(['#/actors', '#/actors/todo-actor/alice', '#/actors/todo-actor/carol', '#/actors/todo-actor/none'])(
    'has names and roles that axe accepts: %s',
    async (hash) => {
      const { view } = await open(hash)
      await screen.findAllByRole('heading', { level: 2 })
      expect(await findings(view.container)).toEqual([])
    },
  )
})
