import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildFixtures } from '../fixtures/build-fixtures.mjs'
import { bundleOf, closeEngines, temporaryFolder } from '../support/engine.ts'
import { LocalWeb } from '../support/local-web.ts'

const repository = resolve(import.meta.dirname, '../..')
let web: LocalWeb
let folder: string

beforeAll(() => buildFixtures())
beforeEach(async () => {
  web = await new LocalWeb('https').start()
  folder = await temporaryFolder()
})
afterEach(async () => {
  await web.stop()
  await closeEngines()
})

interface Line {
  readonly kind: string
  readonly state?: string
  readonly module?: string
  readonly metrics?: string
  readonly message?: string
}

function paddock(...args: string[]): Promise<{ code: number | null; lines: Line[]; stderr: string }> {
  const certificates = join(repository, 'test/fixtures/tls/certificate.pem')
  const child = spawn(process.execPath, [join(repository, 'bin/paddock.mjs'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificates, npm_lifecycle_event: undefined, PORT: '8545' },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((done) => {
    child.on('close', (code) => {
      const lines = stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line)
      done({ code, lines, stderr })
    })
  })
}

describe('paddock run with an engine.toml', () => {
  it('finds the file where it is started, runs its modules, grants what it says, and serves metrics', async () => {
    const bundle = await bundleOf('counter', { chainId: null })
    await writeFile(
      join(folder, 'engine.toml'),
      `[chains.1337]\nrpc_url = "http://127.0.0.1:\${PORT}"\n[[modules]]\npath = ${JSON.stringify(bundle)}\nid = "counter"\n`,
    )
    const { code, lines, stderr } = await paddock('run', '--metrics', '127.0.0.1:0', '--for', '10ms')
    expect([code, stderr]).toEqual([0, ''])
    expect(lines.some(({ module, state }) => module === 'counter' && state === 'running')).toBe(true)
    expect(lines[0]?.metrics ?? lines.find(({ kind }) => kind === 'engine.state')?.metrics).toMatch(
      /^127\.0\.0\.1:\d+$/,
    )
    expect(await readdir(join(folder, 'data'))).toContain('stores')
  })

  it('stops at the first bad module when told to be strict, and refuses another name', async () => {
    const bundle = await bundleOf('counter', { chainId: null })
    const modules = `[[modules]]\npath = "absent"\n[[modules]]\npath = ${JSON.stringify(bundle)}\nid = "other"\n`
    await writeFile(join(folder, 'engine.toml'), `[engine]\nstrict_boot = true\n${modules}`)
    const strict = await paddock('run', '--engine-config', 'engine.toml', '--for', '10ms')
    expect(strict.code).toBe(2)
    expect(strict.stderr).toMatch(/^paddock: bundle\.not_found: [^\n]+\n$/)
    await writeFile(join(folder, 'engine.toml'), modules)
    const lenient = await paddock('run', '--for', '10ms')
    expect(lenient.stderr).toContain('The module is named counter, not other.')
  })

  it('runs a bundle over https with its hash, and not with another', async () => {
    const bundle = await bundleOf('counter', { chainId: null })
    const archive = join(folder, 'bundle.tar.gz')
    await promisify(execFile)('tar', ['czf', archive, '-C', bundle, '.'])
    const bytes = await readFile(archive)
    web.handler = (_request, response) => response.end(bytes)
    const digest = createHash('sha256').update(bytes).digest('hex')
    const url = `https://localhost:${web.port}/bundle.tar.gz`
    const good = await paddock('run', `${url}#sha256=${digest}`, '--for', '10ms', '--json')
    expect([good.code, good.stderr]).toEqual([0, ''])
    expect(good.lines.some(({ module, state }) => module === 'counter' && state === 'running')).toBe(true)
    const bad = await paddock('run', `${url}#sha256=${'0'.repeat(64)}`, '--for', '10ms', '--json')
    expect(bad.code).toBe(1)
    expect(bad.stderr).toMatch(/^paddock: content\.mismatch: /)
    expect((await paddock('run', url, '--for', '10ms', '--json')).stderr).toMatch(
      /^paddock: content\.unpinned: /,
    )
  })
})
