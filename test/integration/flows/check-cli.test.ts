import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stageComponent, type StageName } from '../../fixtures/stages/components.ts'

const repository = resolve(import.meta.dirname, '../../..')
let folder: string

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function paddock(...args: string[]): Promise<Answer> {
  return new Promise((answer) => {
    const options = {
      cwd: folder,
      env: { ...process.env, npm_lifecycle_event: undefined, XDG_CONFIG_HOME: folder },
    }
    execFile(
      process.execPath,
      [join(repository, 'bin/paddock.mjs'), ...args],
      options,
      (error, stdout, stderr) => {
        answer({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      },
    )
  })
}

const stage = (name: string, component: string): string =>
  `[flow.main.nodes.${name}]\ncomponent = "file://${component}.wasm"\n`
const edge = (from: string, to: string): string =>
  `[[flow.main.edges]]\nfrom = { node = "${from}" }\nto = { node = "${to}" }\n`
const good = [
  stage('read', 'counter-source'),
  stage('flip', 'flip-transform'),
  stage('write', 'sum-sink'),
  edge('read', 'flip'),
  edge('flip', 'write'),
].join('')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-flow-check-'))
  const names: StageName[] = ['counter-source', 'flip-transform', 'sum-sink']
  for (const name of names) await writeFile(join(folder, `${name}.wasm`), await stageComponent(name))
  await writeFile(join(folder, 'pipeline.toml'), good)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('spec flows 18 console: paddock flow check', () => {
  it('exits 0 for a flow of real components, and tells its roles', async () => {
    const plain = await paddock('flow', 'check', '.')
    expect(plain).toMatchObject({ code: 0, stderr: '' })
    expect(plain.stdout).toContain('ok    graph        main: 3 nodes, 2 edges')
    expect(plain.stdout).toContain('ok    contracts')
    expect(plain.stdout.trimEnd().endsWith('0 errors, 0 warnings')).toBe(true)
    const { stdout } = await paddock('flow', 'check', 'pipeline.toml', '--json')
    const answer = JSON.parse(stdout) as {
      success: boolean
      command: string
      data: { flows: { nodes: { role: string }[] }[] }
    }
    expect(answer).toMatchObject({ success: true, command: 'flow check', warnings: [] })
    expect(answer.data.flows[0]?.nodes.map(({ role }) => role)).toEqual(['source', 'processor', 'sink'])
  })

  it('exits 1 with each fault, its place and its help', async () => {
    const text = good.replace('sum-sink', 'flip-transform')
    await writeFile(join(folder, 'wrong.toml'), text)
    const { code, stdout } = await paddock('flow', 'check', 'wrong.toml')
    expect(code).toBe(1)
    expect(stdout).toContain('fail  graph')
    expect(stdout).toContain('error E0927 wrong.toml → flow.main')
    expect(stdout).toContain('      Flow "main" has no sink.')
    await writeFile(join(folder, 'cut.toml'), good.replace('node = "flip"', 'node = "flop"'))
    const cut = await paddock('flow', 'check', 'cut.toml')
    expect(cut.stdout).toMatch(/error E0902 cut\.toml:\d+:\d+ → flow\.main\.edges\[1\]\.to\.node/)
    expect(cut.stdout).toContain('help: Write "flip".')
    expect(cut.stdout).toContain('–     contracts')
  })

  it('warns of unknown keys, and fails for them with --strict', async () => {
    await writeFile(join(folder, 'extra.toml'), `${good}queue_dept = 5\n`)
    const lenient = await paddock('flow', 'check', 'extra.toml', '--static')
    expect(lenient).toMatchObject({ code: 0, stdout: expect.stringContaining('Did you mean "queue_depth"?') })
    expect(await paddock('flow', 'check', 'extra.toml', '--static', '--strict')).toMatchObject({ code: 1 })
  })

  it('exits 2 for a file that is not there, a flow it has not, and bad usage', async () => {
    const missing = await paddock('flow', 'check', 'none.toml')
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('flow.unreadable') })
    expect(await paddock('flow', 'check', '.', '--flow', 'other')).toMatchObject({ code: 2 })
    expect(await paddock('flow', 'check', '.', '--set', 'x')).toMatchObject({ code: 2 })
  })

  it('lets the command line win over the file', async () => {
    const bad = await paddock('flow', 'check', '.', '--static', '--set', 'runtime.worker_threads=many')
    expect(bad).toMatchObject({ code: 1, stdout: expect.stringContaining('error E0703 the command line') })
  })
})

describe('a stage by itself', () => {
  it('is described by inspect, and refused as a module with what to do instead', async () => {
    const inspected = await paddock('inspect', 'sum-sink.wasm')
    expect(inspected).toMatchObject({ code: 0 })
    expect(inspected.stdout).toContain('contract  Stage of a flow (torvyn:streaming/data-sink@0.1.0)')
    const checked = await paddock('check', 'sum-sink.wasm')
    expect(checked).toMatchObject({ code: 2 })
    expect(checked.stdout).toContain('stage.alone')
    expect(checked.stdout).toContain('paddock flow run')
    const run = await paddock('run', 'sum-sink.wasm', '--for', '1s')
    expect(`${run.stdout}${run.stderr}`).toContain('stage.alone')
  })
})
