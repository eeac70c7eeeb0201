import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { heldFigures } from '../../testing/flows/held-figures.ts'
import { figuresOf, logStats, sampleFlow, smallGraph } from '../../testing/flows/sample-flows.ts'
import { axeFindings, openConsole, prepareBrowser } from '../../testing/open-console.ts'
import { firstRun } from '../../testing/scenes.ts'

prepareBrowser()

let double: ConsoleDouble
beforeEach(() => {
  double = new ConsoleDouble(firstRun())
})

const open = (hash: string) => openConsole(hash, double)
const runs = { state: 'running', startedAt: Date.now() - 720_000, pid: 4_242 } as const

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
