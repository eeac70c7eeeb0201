/** The flow of the author's guide, pasted into a folder of its own. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { closeEngines, startEngine } from '../../support/engine.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../../..')
const kit = join(root, 'scripts/guest-kit')
let folder: string

beforeAll(async () => {
  const guide = await readFile(join(root, 'docs/module-authors.md'), 'utf8')
  folder = await mkdtemp(join(tmpdir(), 'paddock-author-flow-'))
  for (const [, name, text] of guide.matchAll(/^`word-counts\/([^`]+)`[^`]*```\w+\n([\s\S]*?)^```$/gm)) {
    const file = join(folder, name!)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text!.replaceAll('../paddock/scripts/guest-kit', kit))
  }
})
afterEach(closeEngines)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("the guide's flow", () => {
  it('passes the strict type check, and a mistake does not', async () => {
    const check = () =>
      run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', folder])
    await check()
    const file = join(folder, 'src/count.ts')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('return null', 'return words.length'))
    await expect(check()).rejects.toMatchObject({ stdout: expect.stringContaining('src/count.ts') })
    await writeFile(file, text)
  })

  it('builds, and counts the words of lines', async () => {
    const { stdout } = await run(process.execPath, [join(kit, 'cli.mjs'), folder], { cwd: root })
    expect(stdout).toMatch(/^paddock-author-flow-\w+: wrote .*count\.wasm \(1\.\d\d MiB\)\n$/)
    const input = join(folder, 'lines.txt')
    const output = join(folder, 'counts.txt')
    await writeFile(input, 'one two three\nfour\n\nfünf  sechs\n')
    const { engine } = await startEngine()
    const { id, problems } = await engine.flows.add({ path: folder }, [])
    expect(problems).toEqual([])
    const ends = { lines: { kind: 'lines', file: input }, counts: { kind: 'lines', file: output } } as const
    await engine.flows.start(id, { ends })
    expect(await engine.flows.ended(id)).toMatchObject({
      state: 'completed',
      figures: { elements: 4, delivered: 2, errors: 0 },
    })
    expect(await readFile(output, 'utf8')).toBe('{"line":0,"words":3}\n{"line":3,"words":2}\n')
    await expect(engine.flows.start(id, { ends, configs: { count: '{}' } })).rejects.toMatchObject({
      code: 'stage.refused',
      message: expect.stringContaining('config least: must be a number'),
    })
  })
})
