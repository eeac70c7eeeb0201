import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConsoleDouble } from '../../testing/console-double.ts'
import { heldFigures } from '../../testing/flows/held-figures.ts'
import {
  figuresOf,
  logStats,
  sampleFlow,
  sampleProblem,
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
