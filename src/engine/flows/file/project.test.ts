import { describe, expect, test } from 'vitest'
import { textOf } from '../../../../test/support/flow-texts.ts'
import { checkFlowFile } from './check-file.ts'

describe('spec flows 2: the project and its components', () => {
  const project = (table: string): string[] =>
    checkFlowFile('/flows/Torvyn.toml', textOf({ top: table })).problems.map(
      ({ code, key }) => `${code} ${key}`,
    )
  const good = '[torvyn]\nname = "a"\nversion = "0.1.0"\ncontract_version = "0.1.0"\n'

  test('name, version and contract_version are required and checked', () => {
    expect(project('')).toEqual(['E0702 torvyn'])
    expect(project('[torvyn]\n')).toEqual([
      'E0702 torvyn.name',
      'E0702 torvyn.version',
      'E0702 torvyn.contract_version',
    ])
    expect(project(good)).toEqual([])
    for (const name of ['1a', '-a', 'a b', '', 'a'.repeat(65)]) {
      expect(project(good.replace('"a"', `"${name}"`))).toEqual(['E0703 torvyn.name'])
    }
    expect(project(good.replace('version = "0.1.0"', 'version = "1"'))).toEqual(['E0703 torvyn.version'])
    expect(project(good.replace('contract_version = "0.1.0"', 'contract_version = "0.2.0"'))).toEqual([
      'E0103 torvyn.contract_version',
    ])
    expect(project(good.replace('contract_version = "0.1.0"', 'contract_version = "0.1.7"'))).toEqual([])
  })

  test('a declared component gives its nodes a config and the places of its build', () => {
    const declared =
      '[[component]]\nname = "a-b"\npath = "parts/a"\nlanguage = "typescript"\nbuild_command = "make"\nconfig = "x"\n'
    const text = textOf({ top: declared }).replace('file://read.wasm', 'a-b')
    const [flow] = checkFlowFile('/flows/pipeline.toml', text, { strict: true }).flows
    expect(flow?.nodes[0]).toMatchObject({ config: 'x', language: 'typescript', source: 'a-b' })
    const component = flow?.nodes[0]?.component
    expect(component?.kind === 'file' && component.candidates.slice(0, 2)).toEqual([
      '/flows/.torvyn/build/a-b.wasm',
      '/flows/parts/a/a-b.wasm',
    ])
    const bad = project(
      `${good}[[component]]\nname = "a b"\n[[component]]\nname = "c"\npath = "c"\nlanguage = "java"\n`,
    )
    expect(bad).toEqual(['E0702 component[1].path', 'E0703 component[2].language'])
  })

  test('a component is a file, a reference, a declared name or an end in the engine', () => {
    const of = (component: string, extra = ''): unknown => {
      const text = textOf({ source: extra }).replace('file://read.wasm', component)
      const { flows, problems } = checkFlowFile('/flows/pipeline.toml', text)
      return flows[0]?.nodes[0]?.component ?? problems.map(({ code, help }) => `${code} ${help ?? ''}`)
    }
    expect(of('file://../x.wasm')).toEqual({ kind: 'file', candidates: ['/x.wasm'] })
    expect(of('oci://registry.example.com/reader:1.0')).toEqual({
      kind: 'content',
      reference: 'oci:registry.example.com/reader:1.0',
    })
    const digest = `sha256:${'a'.repeat(64)}`
    expect(of(`oci://registry.example.com/reader:1.0@${digest}`)).toEqual({
      kind: 'content',
      reference: `oci:registry.example.com/reader@${digest}`,
    })
    expect(of('reader')).toEqual(['E0703 Declare it with [[component]], or write "file://" and its path.'])
    expect(of('x.wasm')).toEqual(['E0703 Write "file://x.wasm".'])
    expect(of('topic:orders')).toEqual({
      kind: 'host',
      end: { kind: 'topic', topic: '/paddock/1/orders/raw' },
    })
    expect(of('topic:/acme/1/orders/json')).toEqual({
      kind: 'host',
      end: { kind: 'topic', topic: '/acme/1/orders/json' },
    })
    expect(of('blocks:1')).toEqual({ kind: 'host', end: { kind: 'blocks', chainId: '1' } })
    const address = `0x${'Ab'.repeat(20)}`
    const filter = `config = '{"addresses": ["${address}"], "topics": [null, "0x${'0'.repeat(64)}"]}'`
    expect(of('logs:31337', filter)).toEqual({
      kind: 'host',
      end: {
        kind: 'logs',
        chainId: '31337',
        filter: { addresses: [address.toLowerCase()], topics: [null, [`0x${'0'.repeat(64)}`]] },
      },
    })
    for (const wrong of [
      'topic:',
      'topic:a b',
      'topic:/a/b',
      'blocks:main',
      'blocks:18446744073709551616',
      'store:../x',
      'logs:',
    ]) {
      expect(of(wrong), wrong).toMatchObject([expect.stringMatching(/^E0703/)])
    }
    for (const config of ['x', '[]', '{"address": "0x"}', '{"addresses": ["0x1"]}', '{"topics": [[]]}']) {
      expect(of('logs:1', `config = '${config}'`), config).toMatchObject([expect.stringMatching(/^E0703/)])
    }
    expect(of('blocks:1', 'config = "x"')).toMatchObject([expect.stringMatching(/^E0703/)])
  })

  test('a topic is a source or a sink by its edges, a store a sink', () => {
    const text = textOf({})
      .replace(/component = "file:\/\/read.wasm"\n.*/, 'component = "topic:in"')
      .replace(/component = "file:\/\/write.wasm"\n.*/, 'component = "store:out"')
    const { flows, graphs, problems } = checkFlowFile('/flows/pipeline.toml', text)
    expect(problems).toEqual([])
    expect(flows[0]?.nodes.map(({ role }) => role)).toEqual(['source', 'sink'])
    expect(graphs[0]?.nodes.map(({ body, isHost }) => ({ body, isHost }))).toEqual([
      { body: 'topic in', isHost: true },
      { body: 'store out', isHost: true },
    ])
  })
})
