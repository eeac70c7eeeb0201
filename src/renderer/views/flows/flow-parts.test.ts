import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConsoleDouble } from '../../testing/console-double.ts'
import {
  figuresOf,
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
