import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  componentsFor,
  stageComponent,
  stageWorlds,
  importing,
} from '../../../../test/support/stage-worlds.ts'
import { checkFlowFile } from '../file/check-file.ts'
import type { CheckFileOptions, FlowDefinition } from '../file/model.ts'
import { judgeFlow } from './judge-flow.ts'

const fixtures = path.resolve(import.meta.dirname, '../../../../test/fixtures/flows')

function textOf(folder: string, name: string): string {
  return readFileSync(path.join(fixtures, folder, name), 'utf8')
}

/** Everything that is wrong with a text, its components included, as `code text`. */
function judged(text: string, options: CheckFileOptions = {}): string[] {
  const checked = checkFlowFile('/flows/pipeline.toml', text, options)
  const later = checked.flows.flatMap((flow) => judgeFlow(flow, componentsFor(flow)).problems)
  return [...checked.problems, ...later].map(({ code, message }) => `${code} ${message}`)
}

function only(text: string): FlowDefinition {
  const { flows, problems } = checkFlowFile('/flows/pipeline.toml', text)
  const [flow] = flows
  if (flow === undefined) throw new Error(JSON.stringify(problems))
  return flow
}

describe('spec flows 18 graph rules: one fixture for each code', () => {
  for (const name of readdirSync(path.join(fixtures, 'rules')).sort()) {
    test(`${name} gives exactly what it says it expects`, () => {
      const text = textOf('rules', name)
      const expected = [...text.matchAll(/^# expects: (.*)$/gm)].map(([, line]) => line)
      expect(expected.length).toBeGreaterThan(0)
      expect(judged(text).sort()).toEqual(expected.sort())
    })
  }

  test('every code of the table has a fixture', () => {
    const names = readdirSync(path.join(fixtures, 'rules')).map((name) => name.slice(0, 5))
    const codes = [
      'E0900', 'E0901', 'E0902', 'E0903', 'E0920', 'E0921', 'E0922', 'E0923', 'E0924', 'E0925', 'E0926', 'E0927',
      'E0930', 'E0931', 'E0932', 'E0933', 'E0934', 'E0935', 'E0936', 'E0937', 'E0938', 'E0702', 'E0703', 'E0706',
      'E0200', 'E0202', 'E0705',
    ] // prettier-ignore
    expect(codes.filter((code) => !names.includes(code))).toEqual([])
  })

  test('a file with five faults reports five, each with line and column', () => {
    for (const name of ['five-faults.toml', 'five-faults-graph.toml']) {
      const { problems } = checkFlowFile('/flows/pipeline.toml', textOf('rules', name))
      expect(problems).toHaveLength(5)
      for (const { file, key, line, column } of problems) {
        expect({ file, key: typeof key, line: typeof line, column: typeof column }).toEqual({
          file: '/flows/pipeline.toml',
          key: 'string',
          line: 'number',
          column: 'number',
        })
      }
    }
  })

  test('missing keys, bad values and duplicates always have file, key, expected, found and help', () => {
    for (const name of readdirSync(path.join(fixtures, 'rules'))) {
      if (!/^(?:E070[236]|five-faults\.)/.test(name)) continue
      for (const problem of checkFlowFile('/flows/pipeline.toml', textOf('rules', name)).problems) {
        const { file, key, expected, found, help } = problem
        for (const field of [file, key, expected, found, help]) expect(field).toMatch(/./)
      }
    }
  })
})

describe('spec flows 3.1: groups are looked at one after the other', () => {
  test('nothing is said of components while the graph is wrong', () => {
    const text = textOf('rules', 'E0920.toml').replaceAll('sink.wasm', 'missing.wasm')
    expect(judged(text).map((line) => line.slice(0, 5))).toEqual(['E0920'])
  })

  test('reachability is told beside other errors of the graph, but not after a circle', () => {
    const late =
      '[flow.main.nodes.late]\ncomponent = "file://sink.wasm"\ninterface = "torvyn:streaming/sink"\n'
    const codes = (name: string): string[] =>
      judged(textOf('rules', name) + late).map((line) => line.slice(0, 5))
    expect(codes('E0902.toml').sort()).toEqual(['E0902', 'E0921'])
    expect(codes('E0920.toml')).toEqual(['E0920'])
  })
})

test('spec flows 18 flow file: the four sample files of upstream load unchanged', () => {
  const names = readdirSync(path.join(fixtures, 'samples'))
  expect(names).toHaveLength(4)
  for (const name of names) {
    const checked = checkFlowFile('/flows/Torvyn.toml', textOf('samples', name), { strict: true })
    expect(checked.problems).toEqual([])
    expect(checked.flows.map((flow) => flow.name)).toEqual(['main'])
  }
  const [demo] = checkFlowFile('/flows/Torvyn.toml', textOf('samples', 'backpressure-demo.toml')).flows
  expect(demo?.edges.map(({ capacity }) => capacity)).toEqual([16])
})

describe('spec flows 1: components and their roles', () => {
  const flowWith = (sink: string): string => `
[flow.main.nodes.read]
component = "file://source.wasm"
[flow.main.nodes.write]
component = "file://${sink}.wasm"
[[flow.main.edges]]
from = { node = "read" }
to = { node = "write" }
`

  test('spec flows 18 all seven worlds: roles are read from the exports, interface or not', () => {
    const roles = Object.entries({
      source: 'source',
      sink: 'sink',
      processor: 'processor',
      transform: 'processor',
      filter: 'filter',
      router: 'router',
      aggregator: 'aggregator',
    })
    for (const [world, role] of roles) {
      const flow = only(flowWith('sink'))
      const components = new Map([
        ['read', stageComponent(stageWorlds['source']!)],
        ['write', stageComponent(stageWorlds[world]!)],
      ])
      const { graph, problems } = judgeFlow(flow, components)
      expect(graph.nodes.find(({ name }) => name === 'write')?.role).toBe(role)
      // The rules for the graph are asked again with the role, and only a sink may stand at the end.
      expect(problems.length === 0).toBe(role === 'sink')
    }
  })

  test('a root-level init is not taken for the hook, and 0.1.9 of the same shape binds', () => {
    const flow = only(flowWith('sink'))
    const init = { kind: 'function', name: 'init', function: { async: false, params: [] } } as const
    const { exports } = stageWorlds['sink-of-0-1-9']!
    const components = componentsFor(flow).set(
      'write',
      stageComponent({ ...stageWorlds['sink']!, exports: [init, ...exports] }),
    )
    const { problems, stages } = judgeFlow(flow, components)
    expect(problems).toEqual([])
    expect(stages?.get('write')?.exports).toEqual(['init', ...exports.map(({ name }) => name)])
  })

  test('an import of another version or shape is refused with the first difference', () => {
    const flow = only(flowWith('sink'))
    const other = importing(stageWorlds['sink']!, 'torvyn:streaming/buffer-allocator@0.2.0')
    const [problem] = judgeFlow(flow, componentsFor(flow).set('write', stageComponent(other))).problems
    expect(problem).toMatchObject({
      code: 'E0103',
      message:
        '"write" imports torvyn:streaming/buffer-allocator@0.2.0; Paddock provides torvyn:streaming/buffer-allocator@0.1.0.',
      node: 'write',
      line: 5,
    })
  })
})

describe('spec flows 3.4: grants', () => {
  const text = (security: string): string => `
[flow.main.nodes.read]
component = "file://source.wasm"
[flow.main.nodes.write]
component = "file://sink-with-clocks.wasm"
[[flow.main.edges]]
from = { node = "read" }
to = { node = "write" }
${security}`
  const granting = text('[security.grants.write]\ncapabilities = ["clock:wall", "stdio:stdout"]\n')

  test('clocks need a grant; standard output and files link without one', () => {
    const flow = only(text(''))
    expect(judgeFlow(flow, componentsFor(flow)).problems.map(({ message }) => message)).toEqual([
      '"write" needs wasi:clocks/wall-clock; grant clocks to it or use another component.',
    ])
  })

  test('what the file grants is asked of the operator, and holds only when it was granted', () => {
    const flow = only(granting)
    const { asks, stages } = judgeFlow(flow, componentsFor(flow))
    expect(asks.map(({ key }) => key)).toEqual(['write/clock:wall'])
    expect(stages?.get('write')?.grants).toEqual(['clock:wall', 'stdio:stdout', 'wasi-clocks'])
    const [refused] = judgeFlow(flow, componentsFor(flow), { granted: [] }).problems
    expect(refused).toMatchObject({ code: 'E0202', help: 'Confirm what the flow asks for.' })
    expect(judgeFlow(flow, componentsFor(flow), { granted: ['write/clock:wall'] }).problems).toEqual([])
  })

  test('allow-all does not start a flow before the operator has confirmed it', () => {
    const flow = only(text('[security]\ndefault_capability_policy = "allow-all"\n'))
    const components = componentsFor(flow)
    expect(judgeFlow(flow, components, { granted: [] }).stages).toBeNull()
    const { stages, asks, problems } = judgeFlow(flow, components, { granted: ['allow-all'] })
    expect(problems).toEqual([])
    expect(asks).toMatchObject([{ key: 'allow-all', risky: true }])
    expect(stages?.get('write')?.grants).toContain('wasi-clocks')
  })

  test('a grant of what Paddock has none of is told', () => {
    const flow = only(
      text('[security.grants.write]\ncapabilities = ["wasi-clocks", "filesystem:read:/data/*"]\n'),
    )
    expect(judgeFlow(flow, componentsFor(flow)).problems).toMatchObject([
      { code: 'E0202', severity: 'warning', message: expect.stringContaining('granted files') },
    ])
  })
})
