import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

interface Violation {
  readonly from: string
  readonly to: string
  readonly rule: { readonly name: string }
}

interface Report {
  readonly modules: readonly { readonly source: string }[]
  readonly summary: {
    readonly violations: readonly Violation[]
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] }
  }
}

/** The rule each planted import breaks: file, what it imports, rule. */
const forbidden: readonly (readonly [file: string, imported: string, rule: string])[] = [
  ['src/shared/uses-engine.ts', '../engine/leaf.ts', 'shared-imports'],
  ['src/shared/uses-sandbox.ts', '../sandbox/leaf.ts', 'shared-imports'],
  ['src/shared/uses-main.ts', '../main/leaf.ts', 'shared-imports'],
  ['src/shared/uses-renderer.ts', '../renderer/leaf.ts', 'shared-imports'],
  ['src/shared/uses-electron.ts', 'electron', 'shared-without-electron'],
  ['src/shared/uses-node.ts', 'node:fs', 'shared-without-node'],
  ['src/event-store/uses-engine.ts', '../engine/leaf.ts', 'event-store-imports'],
  ['src/event-store/uses-sandbox.ts', '../sandbox/leaf.ts', 'event-store-imports'],
  ['src/event-store/uses-electron.ts', 'electron', 'event-store-without-electron'],
  ['src/engine/uses-sqlite.ts', '../event-store/sqlite/leaf.ts', 'event-store-on-threads'],
  ['src/engine/uses-main.ts', '../main/leaf.ts', 'engine-imports'],
  ['src/engine/uses-sandbox.ts', '../sandbox/leaf.ts', 'engine-imports'],
  ['src/engine/uses-cli.ts', '../cli/leaf.ts', 'engine-imports'],
  ['src/engine/uses-renderer.ts', '../renderer/leaf.ts', 'engine-imports'],
  ['src/engine/uses-test.ts', '../../test/leaf.ts', 'no-test-code'],
  ['src/engine/uses-electron.ts', 'electron', 'engine-without-electron'],
  ['src/sandbox/uses-engine.ts', '../engine/leaf.ts', 'sandbox-imports'],
  ['src/sandbox/uses-main.ts', '../main/leaf.ts', 'sandbox-imports'],
  ['src/sandbox/uses-electron.ts', 'electron', 'sandbox-without-electron'],
  ['src/main/uses-renderer.ts', '../renderer/leaf.ts', 'main-imports'],
  ['src/main/uses-sandbox.ts', '../sandbox/leaf.ts', 'main-imports'],
  ['src/main/uses-preload.ts', '../preload/leaf.ts', 'main-imports'],
  ['src/cli/uses-main.ts', '../main/leaf.ts', 'cli-imports'],
  ['src/cli/uses-electron.ts', 'electron', 'cli-without-electron'],
  ['src/preload/uses-engine.ts', '../engine/leaf.ts', 'preload-imports'],
  ['src/preload/uses-shared-beyond-ipc.ts', '../shared/leaf.ts', 'preload-imports'],
  ['src/preload/uses-node.ts', 'node:path', 'preload-without-node'],
  ['src/renderer/uses-engine.ts', '../engine/leaf.ts', 'renderer-imports'],
  ['src/renderer/uses-main.ts', '../main/leaf.ts', 'renderer-imports'],
  ['src/renderer/View.svelte', '../main/leaf.ts', 'renderer-imports'],
  ['src/renderer/uses-electron.ts', 'electron', 'renderer-without-electron'],
  ['src/renderer/uses-node.ts', 'node:fs', 'renderer-without-node'],
  ['src/novel/uses-shared.ts', '../shared/leaf.ts', 'unknown-folder'],
  ['src/engine/circle-one.ts', './circle-two.ts', 'no-circular'],
  ['src/engine/uses-nothing.ts', './gone.ts', 'not-to-unresolvable'],
]

const allowed: readonly (readonly [file: string, imported: string])[] = [
  ['src/engine/good.ts', '../shared/leaf.ts'],
  ['src/engine/good-node.ts', 'node:fs'],
  ['src/engine/good-events.ts', '../event-store/leaf.ts'],
  ['src/engine/good-thread.ts', '../event-store/sqlite/leaf.ts'],
  ['src/sandbox/good.ts', '../shared/leaf.ts'],
  ['src/sandbox/good-events.ts', '../event-store/sqlite/leaf.ts'],
  ['src/main/good.ts', '../engine/leaf.ts'],
  ['src/main/good-electron.ts', 'electron'],
  ['src/cli/good.ts', '../engine/leaf.ts'],
  ['src/preload/good.ts', '../shared/ipc/leaf.ts'],
  ['src/preload/good-electron.ts', 'electron'],
  ['src/renderer/good.ts', '../shared/leaf.ts'],
  ['src/shared/good.test.ts', 'node:fs'],
  ['src/engine/good.test.ts', '../../test/leaf.ts'],
]

const leaves = [
  'shared',
  'shared/ipc',
  'event-store',
  'event-store/sqlite',
  'engine',
  'sandbox',
  'main',
  'cli',
  'preload',
  'renderer',
]

async function cruise(folder: string): Promise<Report> {
  const script = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const args = [script, 'src', '--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json']
  const output = await new Promise<string>((settle, fail) => {
    // It exits with the number of violations: only an exit without a report is a failure.
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 27 }, (error, stdout, stderr) => {
      if (stdout === '') fail(error ?? new Error(stderr))
      else settle(stdout)
    })
  })
  return JSON.parse(output) as Report
}

describe('the layer rule', () => {
  let planted: string
  let report: Report

  async function plant(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(planted, file)), { recursive: true })
    await writeFile(join(planted, file), text)
  }

  beforeAll(async () => {
    planted = await mkdtemp(join(tmpdir(), 'paddock-layers-'))
    await symlink(join(root, 'node_modules'), join(planted, 'node_modules'))
    await plant('package.json', JSON.stringify({ type: 'module', dependencies: { electron: '*' } }))
    await plant('tsconfig.base.json', '{}')
    await plant('test/leaf.ts', 'export const leaf = 1\n')
    // The way back of a circle: it is reported once, at the file that comes first.
    await plant('src/engine/circle-two.ts', "export type * from './circle-one.ts'\n")
    for (const folder of leaves) await plant(`src/${folder}/leaf.ts`, 'export const leaf = 1\n')
    for (const [file, imported] of [...forbidden, ...allowed]) {
      // A type import: it must count like any other.
      const statement = `import type * as found from '${imported}'\nexport type Found = typeof found\n`
      await plant(file, file.endsWith('.svelte') ? `<script>\nimport '${imported}'\n</script>\n` : statement)
    }
    report = await cruise(planted)
  })

  afterAll(() => rm(planted, { recursive: true, force: true }))

  it.each(forbidden)('reports %s importing %s as %s', (file, _imported, rule) => {
    const broken = report.summary.violations
      .filter(({ from }) => from === file)
      .map((found) => found.rule.name)
    expect(broken).toContain(rule)
  })

  it.each(allowed)('lets %s import %s', (file) => {
    expect(report.modules.map(({ source }) => source)).toContain(file)
    expect(report.summary.violations.filter(({ from }) => from === file)).toEqual([])
  })

  it('has a planted violation for every rule there is', () => {
    const rules = report.summary.ruleSetUsed.forbidden.map(({ name }) => name)
    expect([...new Set(forbidden.map(([, , rule]) => rule))].sort()).toEqual([...rules].sort())
  })

  it('holds in the sources', async () => {
    const { modules, summary } = await cruise(root)
    expect(modules.filter(({ source }) => source.startsWith('src/')).length).toBeGreaterThan(20)
    expect(summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`)).toEqual([])
  })
})
