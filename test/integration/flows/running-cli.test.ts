import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { closeEngines } from '../../support/engine.ts'
import { flowFolder, type FlowText } from '../../support/flow-folder.ts'

afterEach(closeEngines)

const command = join(import.meta.dirname, '../../../out/main/cli.cjs')

const flow = (count: string): FlowText => ({
  nodes: {
    source: { component: 'counter-source', config: count },
    flip: { component: 'flip-transform' },
    sink: { component: 'sum-sink' },
  },
  edges: ['source -> flip', 'flip -> sink'],
})

function paddock(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, 'flow', ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

interface Told {
  readonly success: boolean
  readonly command: string
  readonly data: Readonly<Record<string, unknown>>
  readonly warnings: readonly unknown[]
}

describe('spec flows 18 console', () => {
  it('run tells what was measured, as JSON and for people, and exits 0', async () => {
    const folder = await flowFolder(flow('5000 64'))
    const { code, stdout } = await paddock('run', folder, 'flow.main', '--format', 'json')
    const told = JSON.parse(stdout) as Told
    expect([code, told.success, told.command]).toEqual([0, true, 'flow run'])
    expect(told.data).toMatchObject({
      state: 'completed',
      elements: 5_000,
      delivered: 5_000,
      copies: 20_000,
      copyBytes: 1_280_000,
      peakQueue: { peak: 1, capacity: 64 },
    })
    for (const key of ['durationMs', 'activeMs', 'elementsPerSecond', 'startMs'])
      expect(told.data[key]).toBeGreaterThan(0)
    expect(told.data['latencyNs']).toMatchObject({ p50: expect.toSatisfy((ns: number) => ns > 0) })
    const people = await paddock('run', folder, '--limit', '100', '--config', 'source=0 32')
    expect(people.code).toBe(0)
    expect(people.stdout).toContain('100 in, 100 delivered')
  })

  it('run takes lines from a file and leaves lines in one', async () => {
    const folder = await flowFolder(flow('5 64'))
    const input = join(folder, 'in.txt')
    const output = join(folder, 'out.txt')
    await writeFile(input, 'b\nd\n')
    const { code } = await paddock('run', folder, '--input', input, '--output', output)
    // The transform turns the lowest bit of each byte.
    expect([code, await readFile(output, 'utf8')]).toEqual([0, 'c\ne\n'])
  })

  it('run ends after its time with 0, and by a signal with 130', async () => {
    const folder = await flowFolder(flow('0 64'))
    const { code, stdout } = await paddock('run', folder, '--timeout', '300ms', '--json')
    expect([code, (JSON.parse(stdout) as Told).data['state']]).toEqual([0, 'cancelled'])
    const child = spawn(process.execPath, [command, 'flow', 'run', folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let told = ''
    child.stderr.on('data', (chunk: Buffer) => {
      told += chunk.toString()
      if (told.includes('running')) child.kill('SIGINT')
    })
    expect(await once(child, 'exit')).toEqual([130, null])
  })

  it('exits 2 for what cannot be run and 1 for what fails', async () => {
    const folder = await flowFolder({ ...flow('5 64'), edges: ['source -> flip', 'flip -> sunk'] })
    expect((await paddock('run', folder)).code).toBe(2)
    expect((await paddock('run', join(folder, 'none'))).code).toBe(2)
    const failing = await flowFolder({
      nodes: {
        source: { component: 'counter-source', config: '5 64' },
        bad: { component: 'misbehaving', config: '9' },
        sink: { component: 'sum-sink' },
      },
      edges: ['source -> bad', 'bad -> sink'],
    })
    const { code, stdout } = await paddock('run', failing, '--format', 'json')
    const told = JSON.parse(stdout) as Told
    expect([code, told.success]).toEqual([1, false])
    expect(told.data['failure']).toMatchObject({ node: 'bad', case: 'fatal' })
  })

  it('trace shows each element as a tree of calls, in three formats', async () => {
    const folder = await flowFolder(flow('5000 64'))
    const pretty = await paddock('trace', folder, '--limit', '2', '--show-buffers')
    expect(pretty.code).toBe(0)
    expect(pretty.stdout).toMatch(
      /element 0 .*\n└─ source  pull .*\n {3}└─ flip  process .*\n {6}└─ sink  push /,
    )
    expect(pretty.stdout).toContain('write 64 B')
    const json = await paddock('trace', folder, '--limit', '3', '--trace-format', 'json')
    const { elements, summary } = (JSON.parse(json.stdout) as Told).data as {
      elements: { node: string; durationNs: number; children: unknown[] }[]
      summary: { elements: number; calls: number; p50Ns: number }
    }
    expect([elements.length, summary.elements, summary.calls]).toEqual([3, 3, 9])
    expect(Math.min(summary.p50Ns, ...elements.map(({ durationNs }) => durationNs))).toBeGreaterThan(0)
    const file = join(folder, 'trace.json')
    await paddock('trace', folder, '--limit', '2', '--trace-format', 'otlp', '--output-trace', file)
    const otlp = JSON.parse(await readFile(file, 'utf8')) as {
      resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string }[] }[] }[]
    }
    for (const { traceId, spanId } of otlp.resourceSpans[0]!.scopeSpans[0]!.spans)
      expect(`${traceId} ${spanId}`).toMatch(/^[0-9a-f]{32} [0-9a-f]{16}$/)
  })

  it('bench measures a window, keeps a report and compares with one', async () => {
    const folder = await flowFolder(flow('0 64'))
    const report = join(folder, 'report.json')
    const short = ['--duration', '1500ms', '--warmup', '500ms']
    const { code, stdout } = await paddock('bench', folder, ...short, '--format', 'json', '--report', report)
    const { data } = JSON.parse(stdout) as Told
    expect(code).toBe(0)
    for (const key of [
      'windowMs',
      'elements',
      'elementsPerSecond',
      'bytesPerSecond',
      'copies',
      'allocations',
    ])
      expect(data[key]).toBeGreaterThan(0)
    expect(data['copiesPerElement']).toBeCloseTo(4, 1)
    const kept = JSON.parse(await readFile(report, 'utf8')) as Record<string, unknown>
    await writeFile(report, JSON.stringify({ ...kept, elementsPerSecond: 1e12 }))
    const slower = await paddock(
      'bench',
      folder,
      ...short,
      '--report-format',
      'markdown',
      '--baseline',
      report,
    )
    expect(slower.code).toBe(3)
    expect(slower.stdout).toMatch(/\| throughput \| [\d,]+ el\/s \|/)
    expect(slower.stdout).toMatch(/\| flip \| [\d,]+ \|/)
  })
})
