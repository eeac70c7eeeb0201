import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import {
  figuresOf,
  logStats,
  sampleFlow,
  sampleProblem,
  sampleSpans,
  smallGraph,
} from '../../testing/flows/sample-flows.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { firstRun } from '../../testing/scenes.ts'

prepareBrowser()

let double: ConsoleDouble
beforeEach(() => {
  double = new ConsoleDouble(firstRun())
})

const open = (hash: string) => openConsole(hash, double)
const runs = { state: 'running', startedAt: Date.now() - 720_000, pid: 4_242 } as const

/** Figures of log-stats with a stage that cannot keep up. */
function heldFigures() {
  const figures = figuresOf(logStats())
  figures.elements = 9_000
  figures.delivered = 6_400
  figures.latencyNs = { p50: 1e6, p90: 4e6, p99: 6.4e6, max: 2e7 }
  figures.activeNs = 1e10
  const enrich = figures.nodes[4]!
  Object.assign(enrich, {
    invocations: 400,
    elementsIn: 400,
    elementsOut: 388,
    errors: { unavailable: 12 },
    callNs: { p50: 3e6, p99: 6.4e6, max: 9e6 },
    busyNs: 5e9,
    fuel: 4_000_000,
    copies: 800,
    copyBytes: 51_200,
    restarts: 1,
  })
  Object.assign(figures.edges[3]!, { depth: 64, peakDepth: 64, pressed: true, pressures: 3 })
  Object.assign(figures.edges[2]!, { depth: 41, peakDepth: 64, pressed: true })
  return figures
}

describe('flows', () => {
  it('teaches how to add one, and hides nothing in the rail', async () => {
    const { view } = await open('#/flows')
    expect(await screen.findByRole('heading', { name: 'No flow yet' })).toBeTruthy()
    expect(screen.getByText(/Drop it on this window/)).toBeTruthy()
    expect(
      within(screen.getByRole('navigation', { name: 'Main' })).getByRole('link', { name: 'Flows' }),
    ).toBeTruthy()
    expect(await axeFindings(view.container)).toEqual([])
  })

  it('lists them with state and figures, trouble first', async () => {
    double.flows.add(sampleFlow(smallGraph('calm'), { ...runs, figures: figuresOf(smallGraph()) }))
    double.flows.add(
      sampleFlow(smallGraph('broken'), {
        state: 'failed',
        figures: { ...figuresOf(smallGraph()), delivered: 4_711, errors: 3 },
        end: { state: 'failed', failure: null, leaked: 0 },
      }),
    )
    double.flows.add(sampleFlow(logStats(), { ...runs, figures: heldFigures(), rate: 312 }))
    const { view } = await open('#/flows')
    const rows = within(await screen.findByRole('grid', { name: 'All flows' })).getAllByRole('row')
    expect(rows.map((row) => row.getAttribute('data-flow'))).toEqual([
      null,
      'flows.broken',
      'flows.log-stats',
      'flows.calm',
    ])
    expect(rows[1]?.textContent).toContain('Failed')
    expect(rows[1]?.textContent).toMatch(/4.711/)
    expect(rows[2]?.textContent).toContain('Held backat enrich')
    expect(rows[2]?.textContent).toMatch(/312.\/s/)
    expect(await axeFindings(view.container)).toEqual([])
    rows[1]?.focus()
    await fireEvent.keyDown(rows[1]!, { key: 'ArrowDown' })
    expect(document.activeElement).toBe(rows[2])
    await fireEvent.keyDown(rows[2]!, { key: 'Enter' })
    expect(await screen.findByRole('heading', { level: 1, name: 'flows.log-stats' })).toBeTruthy()
  })

  it('asks for consent stage by stage before a dropped flow is added, and starts it after', async () => {
    double.flows.files.set('/tmp/prices', {
      text: '',
      graphs: [logStats()],
      problems: [],
      asks: [
        {
          key: 'enrich/net',
          node: 'enrich',
          capability: 'net',
          title: 'Lets "enrich" use sockets',
          risky: true,
        },
        {
          key: 'decode/clock',
          node: 'decode',
          capability: 'wasi-clocks',
          title: 'Lets "decode" use clocks',
          risky: false,
        },
      ],
    })
    await open('#/flows')
    const data = { types: ['Files'], files: [new File([], 'prices')] }
    const drop = new Event('drop', { bubbles: true, cancelable: true })
    Object.defineProperty(drop, 'dataTransfer', { value: data })
    window.dispatchEvent(drop)
    const dialog = await screen.findByRole('dialog', { name: 'Add log-stats?' })
    const stages = within(dialog).getAllByRole('region').slice(1)
    expect(stages[0]?.getAttribute('aria-label')).toBe('enrich')
    expect(stages[0]?.textContent).toContain('Risky')
    expect(within(dialog).getByText('Lets "decode" use clocks')).toBeTruthy()
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Don’t add'))
    expect(await axeFindings(dialog)).toEqual([])
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Allow 2 and start' }))
    await waitFor(() =>
      expect(double.flows.calls).toEqual([
        {
          call: 'add',
          input: { path: '/tmp/prices', flow: 'log-stats', granted: ['enrich/net', 'decode/clock'] },
        },
        { call: 'start', input: { id: 'flows.log-stats' } },
      ]),
    )
    expect(await screen.findByRole('heading', { level: 1, name: 'flows.log-stats' })).toBeTruthy()
  })

  it('takes a dropped bundle for a module, as before', async () => {
    await open('#/flows')
    const drop = new Event('drop', { bubbles: true, cancelable: true })
    const data = { types: ['Files'], files: [new File([], 'bundle')] }
    Object.defineProperty(drop, 'dataTransfer', { value: data })
    window.dispatchEvent(drop)
    await waitFor(() =>
      expect(double.calls).toContainEqual({ call: 'modules.inspect', input: { path: '/tmp/bundle' } }),
    )
  })

  it('shows what is wrong with a file that cannot be added, and lets one of several be chosen', async () => {
    double.flows.files.set('/tmp/bad.toml', {
      text: '',
      graphs: [],
      asks: [],
      problems: [sampleProblem({ node: 'sink' })],
    })
    double.flows.files.set('/tmp/two.toml', {
      text: '',
      graphs: [smallGraph('day'), smallGraph('night')],
      asks: [],
      problems: [],
    })
    const { state } = await open('#/flows')
    state.flows.offer.offer('/tmp/bad.toml')
    const failed = await screen.findByRole('dialog', { name: 'Adding failed' })
    expect(failed.textContent).toContain('bad.toml cannot be added')
    expect(failed.textContent).toContain('E0902')
    expect(failed.textContent).toContain('line 12:15')
    await fireEvent.click(within(failed).getByRole('button', { name: 'Close' }))
    state.flows.offer.offer('/tmp/two.toml')
    const choose = await screen.findByRole('dialog', { name: 'Which flow of two.toml?' })
    await fireEvent.click(within(choose).getByRole('button', { name: /^night/ }))
    expect(await screen.findByRole('dialog', { name: 'Add night?' })).toBeTruthy()
    await fireEvent.keyDown(document.activeElement!, { key: 'Escape' })
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(double.flows.calls).toEqual([])
  })
})

describe('one flow', () => {
  it('draws what is held back, has the same figures in a table, and tells of the chosen stage', async () => {
    double.flows.add(sampleFlow(logStats(), { ...runs, figures: heldFigures() }))
    const { view, state } = await open('#/flows/flows.log-stats')
    const graph = await screen.findByRole('region', { name: 'Graph' })
    expect(
      within(graph).getByRole('button', { name: /^Transform.*Queue full\s*enrich/ }).textContent,
    ).toMatch(/64\/64 full/)
    expect(graph.querySelectorAll('path.edge.held')).toHaveLength(2)
    expect(graph.querySelectorAll('path.edge')).toHaveLength(8)
    const table = screen.getByRole('grid', { name: 'Stages' })
    const row = within(table).getByRole('row', { name: /enrich/ })
    expect(row.textContent).toContain('64')
    expect(row.textContent).toMatch(/6\.4.ms/)
    expect(row.textContent).toContain('12')
    double.log({
      id: 1,
      time: Date.now(),
      level: 'error',
      source: 'engine',
      module: 'flow/flows.log-stats',
      node: 'enrich',
      run: 1,
      message: 'Stage "enrich" failed on element 42: unavailable: no answer',
    })
    await fireEvent.click(row)
    const side = await screen.findByRole('region', { name: 'Facts of enrich' })
    expect(side.textContent).toContain('Its input queue is full: it cannot keep up')
    expect(side.textContent).toContain('Nothing is dropped.')
    expect(side.textContent).toContain('12 unavailable')
    expect(side.textContent).toMatch(/10.k a call of 1.M/)
    expect(side.textContent).toContain('Tried 3 times more')
    expect(side.textContent).toContain('invalid-input is dropped')
    expect(side.textContent).toContain('{"prices": "https://prices.example.org"}')
    await waitFor(() => expect(side.textContent).toContain('failed on element 42'))
    expect(state.router.current.query['stage']).toBe('enrich')
    expect(await axeFindings(view.container)).toEqual([])
  })

  it('follows the edges by arrow keys, one tab stop for the graph', async () => {
    double.flows.add(sampleFlow(logStats(), { ...runs, figures: heldFigures() }))
    await open('#/flows/flows.log-stats')
    const graph = await screen.findByRole('group', { name: /^Stages; arrow keys/ })
    const stops = within(graph)
      .getAllByRole('button')
      .filter((button) => button.tabIndex === 0)
    expect(stops.map((button) => button.dataset['stage'])).toEqual(['arb-logs'])
    stops[0]?.focus()
    const press = (key: string) => fireEvent.keyDown(document.activeElement!, { key })
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight']) await press(key)
    const before = (document.activeElement as HTMLElement).dataset['stage']
    expect(['enrich', 'per-minute', 'raw-out']).toContain(before)
    await press('ArrowDown')
    await press('ArrowUp')
    await press('ArrowLeft')
    expect((document.activeElement as HTMLElement).dataset['stage']).toBe('by-token')
  })

  it('keeps the places of stages when their figures change', async () => {
    double.flows.add(sampleFlow(logStats(), { ...runs, figures: heldFigures() }))
    await open('#/flows/flows.log-stats')
    const graph = await screen.findByRole('region', { name: 'Graph' })
    const places = (): string[] =>
      within(graph)
        .getAllByRole('button')
        .filter((button) => button.dataset['stage'] !== undefined)
        .map((button) => `${button.dataset['stage']} ${button.style.left} ${button.style.top}`)
    const before = places()
    const figures = heldFigures()
    figures.nodes[4]!.elementsIn = 4_000_000
    figures.edges[3]!.depth = 3
    double.flows.set('flows.log-stats', { figures })
    await waitFor(() => expect(graph.textContent).toContain('3/64'))
    expect(places()).toEqual(before)
  })

  it('starts, pauses, goes on, drains, and cancels only when asked twice', async () => {
    double.flows.add(sampleFlow(smallGraph()))
    await open('#/flows/flows.main')
    const press = async (name: string): Promise<void> => {
      await fireEvent.click(await screen.findByRole('button', { name }))
    }
    await press('Start')
    await press('Pause')
    await waitFor(() => expect(document.querySelector('.screen-head .state')?.textContent).toMatch(/^Paused/))
    await press('Go on')
    await press('Drain and stop')
    expect(await screen.findByText('flows.main drained and stopped')).toBeTruthy()
    await press('Start')
    await press('More actions')
    await fireEvent.click(await screen.findByRole('menuitem', { name: /^Cancel now/ }))
    const dialog = await screen.findByRole('alertdialog')
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Keep running'))
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Cancel flow' }))
    await waitFor(() =>
      expect(double.flows.calls.map(({ call }) => call)).toEqual([
        'start',
        'pause',
        'resume',
        'drain',
        'start',
        'cancel',
      ]),
    )
  })

  it('says why a flow failed, where, and what to do', async () => {
    const error = new PaddockError('stage.trap', 'Stage "flip" trapped in process: unreachable.').toReport()
    double.flows.add(
      sampleFlow(smallGraph(), {
        state: 'failed',
        figures: figuresOf(smallGraph()),
        end: {
          state: 'failed',
          failure: { node: 'flip', function: 'process', sequence: 42, case: 'fatal', error },
          leaked: 0,
        },
      }),
    )
    const { view } = await open('#/flows/flows.main')
    expect(await screen.findByText('flip failed in process on element 42.')).toBeTruthy()
    expect(screen.getByText('stage.trap')).toBeTruthy()
    expect(view.container.textContent).toContain(error.remedy)
    await fireEvent.click(screen.getByRole('button', { name: 'Show stage' }))
    expect((await screen.findByRole('region', { name: 'Facts of flip' })).textContent).toContain('Failed')
  })

  it('asks again where the flow wants more than was granted', async () => {
    const error = new PaddockError(
      'flow.consent_required',
      'Flow "main" does not start without it.',
    ).toReport()
    const view = double.flows.add(sampleFlow(smallGraph(), { error }))
    double.flows.files.set(view.file, {
      text: '',
      graphs: [view.graph],
      problems: [],
      asks: [{ key: 'flip/c', node: 'flip', capability: 'c', title: 'Lets "flip" use clocks', risky: false }],
    })
    await open('#/flows/flows.main')
    await fireEvent.click(await screen.findByRole('button', { name: 'Review…' }))
    expect(await screen.findByRole('dialog', { name: 'Allow the changed main to run?' })).toBeTruthy()
  })
})

describe('the trace', () => {
  it('shows each element with its calls, holds, and changes level and share', async () => {
    double.flows.add(sampleFlow(smallGraph(), { ...runs, figures: figuresOf(smallGraph()) }))
    const { view } = await open('#/flows/flows.main/trace')
    await screen.findByText('Waiting for an element')
    double.flows.trace('flows.main', [...sampleSpans(smallGraph(), 7), ...sampleSpans(smallGraph(), 8)])
    const tree = await screen.findByRole('treegrid')
    const rows = within(tree).getAllByRole('row').slice(1)
    expect(rows.map((row) => row.getAttribute('aria-level'))).toEqual(['1', '2', '3', '1', '2', '3'])
    expect(rows[0]?.textContent).toContain('source pull')
    expect(rows[1]?.textContent).toMatch(/read 64.B/)
    rows[0]?.focus()
    await fireEvent.keyDown(rows[0]!, { key: 'ArrowLeft' })
    await waitFor(() => expect(within(tree).getAllByRole('row')).toHaveLength(5))
    await fireEvent.keyDown(rows[0]!, { key: 'ArrowRight' })
    await waitFor(() => expect(within(tree).getAllByRole('row')).toHaveLength(7))
    await fireEvent.click(screen.getByRole('button', { name: /^Hold/ }))
    double.flows.trace('flows.main', sampleSpans(smallGraph(), 9))
    expect(await screen.findByText('3 new calls')).toBeTruthy()
    expect(within(tree).getAllByRole('row')).toHaveLength(7)
    await fireEvent.click(screen.getByRole('button', { name: 'Diagnostic' }))
    await fireEvent.change(screen.getByLabelText('Traced'), { target: { value: '1' } })
    await waitFor(() =>
      expect(double.flows.calls).toContainEqual({
        call: 'setLevel',
        input: { id: 'flows.main', level: 'diagnostic', traceRate: 1 },
      }),
    )
    expect(await axeFindings(view.container)).toEqual([])
  })

  it('renders only what is on screen of a thousand calls', async () => {
    double.flows.add(sampleFlow(smallGraph(), { ...runs, figures: figuresOf(smallGraph()) }))
    for (let at = 0; at < 330; at += 1) double.flows.spans.push(...sampleSpans(smallGraph(), at))
    await open('#/flows/flows.main/trace')
    const tree = await screen.findByRole('treegrid')
    expect(tree.getAttribute('aria-rowcount')).toBe('991')
    expect(within(tree).getAllByRole('row').length).toBeLessThan(100)
  })
})

describe('the flow file', () => {
  const text = '[torvyn]\nname = "test"\n\n[flow.main.nodes.source]\ncomponent = "file://source.wasm"\n'

  async function edit() {
    double.flows.add(sampleFlow(smallGraph()), text)
    const opened = await open('#/flows/flows.main/file')
    const field = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'Text of the flow file' })
    const type = (value: string) => fireEvent.input(field, { target: { value } })
    return { ...opened, field, type }
  }

  it('is judged as one types; a problem leads to its line; the graph follows the text', async () => {
    const { field, type, view } = await edit()
    const graph = smallGraph()
    double.flows.judge = (typed) =>
      typed.includes('sunk')
        ? { problems: [sampleProblem({ line: 4, column: 3, node: 'sink', port: 'input' })], graphs: [] }
        : {
            problems: [],
            graphs: [{ ...graph, nodes: [...graph.nodes, { ...graph.nodes[1]!, name: 'extra' }] }],
          }
    await type(`${text}# sunk`)
    const problems = await screen.findByRole('region', { name: 'Problems' })
    expect(problems.textContent).toContain('E0902')
    expect(problems.textContent).toContain('sink, port input, line 4:3')
    expect(screen.getByRole('button', { name: 'Save' })).toHaveProperty('disabled', true)
    await fireEvent.click(within(problems).getByRole('button'))
    expect(document.activeElement).toBe(field)
    expect(text.slice(0, field.selectionStart).split('\n')).toHaveLength(4)
    expect(screen.getByRole('button', { name: /1 problem\s*sink/ })).toBeTruthy()
    expect(await axeFindings(view.container)).toEqual([])
    await type(`${text}# more`)
    await waitFor(() => expect(screen.queryByRole('region', { name: 'Problems' })).toBeNull())
    expect(await screen.findByRole('button', { name: /Not running\s*extra/ })).toBeTruthy()
    await fireEvent.keyDown(field, { key: 's', ctrlKey: true })
    await waitFor(() =>
      expect(double.flows.calls).toEqual([
        { call: 'save', input: { id: 'flows.main', text: `${text}# more` } },
      ]),
    )
    expect(await screen.findByText('as on disk')).toBeTruthy()
  })

  it('keeps what was typed when the operator goes elsewhere, and reverts when told', async () => {
    const { field, type, state } = await edit()
    await type(`${text}# mine`)
    state.router.go({ screen: 'flows', item: 'flows.main' })
    await screen.findByRole('grid', { name: 'Stages' })
    expect(field.isConnected).toBe(false)
    await fireEvent.click(screen.getByRole('button', { name: 'File, edited' }))
    const again = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'Text of the flow file' })
    expect(again.value).toBe(`${text}# mine`)
    await fireEvent.click(screen.getByRole('button', { name: 'Revert' }))
    expect(again.value).toBe(text)
    expect(double.flows.calls).toEqual([])
  })

  it('tells when the file changed on disk under what was typed', async () => {
    const { type, state } = await edit()
    await type(`${text}# mine`)
    state.router.go({ screen: 'flows', item: 'flows.main' })
    await screen.findByRole('grid', { name: 'Stages' })
    const { file } = double.flows.flows.get('flows.main')!
    double.flows.files.set(file, { ...double.flows.files.get(file)!, text: `${text}# theirs` })
    state.router.go({ screen: 'flows', item: 'flows.main', part: 'file' })
    await fireEvent.click(await screen.findByRole('button', { name: 'Take the file’s' }))
    const field = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Text of the flow file' })
    expect(field.value).toBe(`${text}# theirs`)
  })
})

describe('the palette', () => {
  it('reaches each flow and what can be done with it', async () => {
    double.flows.add(sampleFlow(smallGraph(), { ...runs, figures: figuresOf(smallGraph()) }))
    const { state } = await open('#/overview')
    state.paletteOpen = true
    const field = await screen.findByRole('combobox')
    await fireEvent.input(field, { target: { value: 'pause flows' } })
    expect(screen.getByRole('option', { name: /Pause flows.main/ })).toBeTruthy()
    await fireEvent.input(field, { target: { value: '>add flow' } })
    expect(screen.getAllByRole('option', { name: /^Add flow from/ })).toHaveLength(2)
  })
})
