import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultLimits, maxLogRecordBytes } from '../../src/shared/domain/limits.ts'
import { block, instantiate, plainHost, surfaceOf, thrownBy } from '../fixtures/plain-host.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const kit = join(root, 'scripts/guest-kit')
let guide: string
let folder: string

async function paste(): Promise<void> {
  for (const [, name, text] of guide.matchAll(/^`gas-peak\/([^`]+)`[^`]*```\w+\n([\s\S]*?)^```$/gm)) {
    const file = join(folder, name!)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text!.replaceAll('../paddock/scripts/guest-kit', kit))
  }
}

function build(): Promise<{ stdout: string }> {
  return run(process.execPath, [join(kit, 'cli.mjs'), folder], { cwd: root })
}

async function pasteWith(change: (source: string) => string): Promise<void> {
  await paste()
  const file = join(folder, 'src/index.ts')
  await writeFile(file, change(await readFile(file, 'utf8')))
}

beforeAll(async () => {
  guide = await readFile(join(root, 'docs/module-authors.md'), 'utf8')
  folder = await mkdtemp(join(tmpdir(), 'paddock-author-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe("the guide's template", () => {
  it('passes the strict type check', async () => {
    const check = () => run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
    await paste()
    await check()
    await pasteWith((source) => source.replace('encodeText(String(price))', 'String(price)'))
    await expect(check()).rejects.toMatchObject({ stdout: expect.stringContaining('src/index.ts') })
  })

  it('builds and does what it says', async () => {
    await paste()
    expect((await build()).stdout).toMatch(/^gas-peak: wrote .*module\.wasm \(1\.\d\d MiB\)\n$/)
    const file = join(folder, 'module.wasm')
    expect(await surfaceOf(file)).toEqual({
      imports: ['nexum:host/chain', 'nexum:host/local-store', 'nexum:host/logging'],
      exports: ['init', 'onEvent'],
    })
    const host = plainHost()
    const guest = await instantiate(file, host)
    guest['init']!([['warn_above_gwei', '50']])
    for (const [index, price] of ['0x77359400', '0x1bf08eb000', '0x3b9aca00'].entries()) {
      host.chain['eth_gasPrice'] = `"${price}"`
      guest['onEvent']!(block(index))
    }
    expect(host.store.get('peak')).toBe('120000000000')
    expect(host.logs).toEqual(['warn block 1: gas costs 120000000000 wei'])
  })

  it('ends as the guide says on bad config, a failed host call and a bug', async () => {
    await paste()
    await build()
    const host = plainHost()
    const guest = await instantiate(join(folder, 'module.wasm'), host)
    expect(thrownBy(() => guest['init']!([['warn_above_gwei', 'x']]))).toMatchObject({
      domain: 'gas-peak',
      kind: { tag: 'invalid-input' },
      message: 'config warn_above_gwei: must be a whole number',
    })
    expect(thrownBy(() => guest['onEvent']!(block(1)))).toMatchObject({
      domain: 'chain',
      kind: { tag: 'denied' },
      code: -32601,
    })
    host.chain['eth_gasPrice'] = 'x'
    expect(thrownBy(() => guest['onEvent']!(block(1)))).toMatchObject({
      domain: 'gas-peak',
      kind: { tag: 'internal' },
      message: "SyntaxError: unexpected token: 'x'",
    })
    host.chain['eth_gasPrice'] = '"0x1"'
    guest['onEvent']!(block(2))
    expect(host.store.get('peak')).toBe('1')
  })

  it.each([
    ['Date.now()', 'The current time does not exist in a module'],
    ['new Date().getTime()', 'The current time does not exist in a module'],
    ['Math.random()', 'Math.random does not exist in a module'],
  ])('answers an error instead of a trap for %s', async (code, message) => {
    await pasteWith((source) => source.replace("event.tag !== 'block'", `${code} > 0`))
    await build()
    const guest = await instantiate(join(folder, 'module.wasm'), plainHost())
    expect(thrownBy(() => guest['onEvent']!(block(1)))).toMatchObject({
      kind: { tag: 'internal' },
      message: expect.stringContaining(message),
    })
  })

  it('is refused when it imports what its manifest does not declare', async () => {
    await pasteWith((source) => `import { nowMs } from 'nexum:host/clock@0.2.0'\nnowMs()\n${source}`)
    await expect(build()).rejects.toMatchObject({
      stderr: expect.stringContaining('imports "nexum:host/clock@0.2.0", but the manifest'),
    })
  })

  it('is refused without an export of its contract', async () => {
    await pasteWith((source) => source.replace('export function onEvent', 'export function onBlock'))
    await expect(build()).rejects.toMatchObject({ stderr: expect.stringContaining('onEvent') })
  })
})

describe("the guide's numbers", () => {
  it('are the defaults', () => {
    const mib = (bytes: number) => `${bytes / 1024 / 1024} MiB`
    const rows = guide.match(/^\|.*\|$/gm)!.map((row) => row.replace(/ +/g, ' '))
    const row = (start: string) => rows.find((candidate) => candidate.startsWith(`| ${start}`))
    expect(row('Memory')).toContain(`| ${mib(defaultLimits.memoryBytes)} |`)
    expect(row('Instructions')).toContain(
      `| ${String(defaultLimits.fuelPerCall).replace(/(?<=\d)(?=(\d{3})+$)/g, ' ')} units`,
    )
    expect(row('Time')).toContain(`| ${defaultLimits.deadlineMs / 1000} s |`)
    expect(row('Store')).toContain(`| ${mib(defaultLimits.storeBytes)} |`)
    expect(row('Waiting')).toContain(`| ${defaultLimits.queueEvents} |`)
    expect(row('One log line')).toContain(`| ${maxLogRecordBytes} bytes |`)
  })
})
