import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { buildFixtures, fixturesFolder } from '../fixtures/build-fixtures.mjs'
import { Anvil } from '../support/anvil.ts'
import { bundleOf, closeEngines, isAlive, startEngine, temporaryFolder } from '../support/engine.ts'

const repository = resolve(import.meta.dirname, '../..')
const fixture = (name: string): string => join(fixturesFolder, `${name}.wasm`)

let anvil: Anvil
const started: ChildProcess[] = []

beforeAll(async () => {
  await buildFixtures()
  anvil = await new Anvil().start(join(await temporaryFolder(), 'state.json'))
})
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  await closeEngines()
})
afterAll(() => anvil.end('SIGKILL'))

/** Whole processes start and end here, on a machine that may be busy. */
function until<T>(expectation: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(expectation, { interval: 5, timeout: 25_000 })
}

interface Line {
  readonly time: string
  readonly kind: string
  readonly module?: string
  readonly state?: string
  readonly [field: string]: unknown
}

class Cli {
  stdout = ''
  stderr = ''
  code: number | null | undefined
  readonly child: ChildProcess

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [join(repository, 'bin/paddock.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, npm_lifecycle_event: undefined },
    })
    started.push(this.child)
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.child.on('close', (code) => (this.code = code))
  }

  /** Every line printed; each must be JSON with a time and a kind. */
  lines(): Line[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((text) => {
        const line = JSON.parse(text) as Line
        expect(line.kind).toMatch(/^[a-z]+\.[a-z]+$|^notice$/)
        expect(new Date(line.time).toISOString()).toBe(line.time)
        return line
      })
  }

  whenLine(matches: (line: Line) => boolean): Promise<Line> {
    return until(() => {
      const found = this.lines().find(matches)
      if (found === undefined) throw new Error(`no such line yet:\n${this.stdout}\n${this.stderr}`)
      return found
    })
  }

  ended(): Promise<number | null> {
    return until(() => {
      if (this.code === undefined) throw new Error(`it still runs:\n${this.stdout}\n${this.stderr}`)
      return this.code
    })
  }

  /** Processes it started, and theirs. */
  async descendants(of = this.child.pid!): Promise<number[]> {
    const text = await readFile(`/proc/${of}/task/${of}/children`, 'utf8').catch(() => '')
    const own = text.trim().split(' ').filter(Boolean).map(Number)
    return [...own, ...(await Promise.all(own.map((pid) => this.descendants(pid)))).flat()]
  }
}

function rpc(): string[] {
  return ['--rpc', `31337=${anvil.ws}`]
}

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const cli = new Cli(...args)
  const code = await cli.ended()
  return { code, stdout: cli.stdout, stderr: cli.stderr }
}

/** One line on stderr, with the code. */
function expectOneLine(stderr: string, code: string): void {
  expect(stderr).toMatch(new RegExp(`^paddock: ${code.replace('.', '\\.')}: [^\\n]+\\n$`))
}

describe('paddock run', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'tells its life in JSON lines and ends cleanly at %s',
    async (signal) => {
      const stateDir = join(await temporaryFolder(), 'state')
      const cli = new Cli('run', await bundleOf('counter'), '--json', '--state-dir', stateDir, ...rpc())
      await cli.whenLine((line) => line.kind === 'chain.state' && line.state === 'live')
      expect(existsSync(join(stateDir, 'engine.lock'))).toBe(true)
      await anvil.mine(2)
      const done = await cli.whenLine((line) => line.kind === 'event.done')
      expect(done).toMatchObject({
        module: 'counter',
        eventType: 'block',
        result: 'committed',
        chainId: '31337',
      })
      const processes = await cli.descendants()
      expect(processes.length).toBeGreaterThan(0)

      cli.child.kill(signal)
      expect(await cli.ended()).toBe(0)
      const states = cli
        .lines()
        .flatMap(({ kind, module, state }) =>
          kind === 'module.state' && module === 'counter' ? [state] : [],
        )
      expect(states).toEqual(['resolving', 'loading', 'initialising', 'running', 'stopping', 'stopped'])
      expect(cli.lines().at(-1)).toMatchObject({ kind: 'engine.state', state: 'stopped', exitCode: 0 })
      expect(cli.stderr).toBe('')
      expect(existsSync(join(stateDir, 'engine.lock'))).toBe(false)
      for (const pid of processes) expect([pid, isAlive(pid)]).toEqual([pid, false])
    },
  )

  it('brings a devnet when a module needs one, counts its time from the start of the modules, leaves nothing', async () => {
    const cli = new Cli('run', await bundleOf('counter'), '--for', '3s', '--json')
    const running = await cli.whenLine((line) => line.kind === 'module.state' && line.state === 'running')
    const { stateDir } = await cli.whenLine((line) => line.kind === 'engine.state')
    const processes = await cli.descendants()
    expect(await cli.ended()).toBe(0)
    const stopping = await cli.whenLine((line) => line.kind === 'module.state' && line.state === 'stopping')
    const ranMs = Date.parse(stopping.time) - Date.parse(running.time)
    expect(ranMs).toBeGreaterThanOrEqual(2_950)
    expect(cli.lines().filter((line) => line.kind === 'event.done').length).toBeGreaterThanOrEqual(1)
    for (const pid of processes) await until(() => expect([pid, isAlive(pid)]).toEqual([pid, false]))
    expect(existsSync(String(stateDir))).toBe(false)
  })

  it('can be broken off while it starts', async () => {
    const cli = new Cli('run', await bundleOf('counter'), await bundleOf('echo'), '--json')
    await cli.whenLine((line) => line.kind === 'engine.state')
    const processes = await cli.descendants()
    cli.child.kill('SIGTERM')
    expect(await cli.ended()).toBe(0)
    expect(cli.lines().at(-1)).toMatchObject({ kind: 'engine.state', state: 'stopped' })
    for (const pid of processes) await until(() => expect([pid, isAlive(pid)]).toEqual([pid, false]))
  })

  it('runs what it can, and answers the worst', async () => {
    const dead = await bundleOf('init-rejected')
    const cli = new Cli('run', await bundleOf('counter'), dead, '--for', '100ms', '--json', ...rpc())
    expect(await cli.ended()).toBe(1)
    await cli.whenLine((line) => line.module === 'init-rejected' && line.state === 'dead')
    await cli.whenLine((line) => line.module === 'counter' && line.state === 'running')

    const missing = join(await temporaryFolder(), 'nowhere')
    const bad = await run('run', missing, '--json')
    expect(bad.code).toBe(2)
    expectOneLine(bad.stderr, 'bundle.not_found')
    expect(bad.stderr).toContain(missing)
  })

  it('refuses a state directory that another engine uses', async () => {
    const stateDir = await temporaryFolder()
    await startEngine({ stateDir })
    const { code, stderr } = await run('run', await bundleOf('counter'), '--state-dir', stateDir)
    expect(code).toBe(2)
    expectOneLine(stderr, 'state.locked')
    expect(existsSync(join(stateDir, 'engine.lock'))).toBe(true)
  })

  it('reads chains and the state directory from a file, and says what is wrong with it', async () => {
    const folder = await temporaryFolder()
    const file = join(folder, 'engine.toml')
    const bundle = await bundleOf('counter')
    const broken: [string, string][] = [
      ['[chains', 'settings.invalid'],
      ['[engine]\nstate_dri = "x"\n', 'settings.unknown_key'],
      ['[chains.31337]\nrpc_url = "ftp://x"\n', 'settings.invalid'],
    ]
    for (const [text, expected] of broken) {
      await writeFile(file, text)
      const { code, stderr } = await run('run', bundle, '--config', file)
      expect([text, code]).toEqual([text, 2])
      expectOneLine(stderr, expected)
      expect(stderr).toContain(file)
    }
    const absent = await run('run', bundle, '--config', join(folder, 'absent.toml'))
    expect(absent.code).toBe(2)
    expectOneLine(absent.stderr, 'settings.invalid')

    const stateDir = join(folder, 'state')
    await writeFile(
      file,
      `[engine]\nstate_dir = ${JSON.stringify(stateDir)}\n[chains.31337]\nrpc_url = "${anvil.ws}"\n`,
    )
    const good = await run('run', bundle, '--config', file, '--for', '100ms', '--json')
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(stateDir)).toContain('stores')
  })
})

describe('paddock inspect', () => {
  it('shows a good component, for people and for programs', async () => {
    const text = await run('inspect', fixture('counter'))
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(/contract {2}.*event-module/i)
    expect(text.stdout).toContain('nexum:host/local-store@0.2.0')
    const json = await run('inspect', fixture('counter'), '--json')
    expect(json.code).toBe(0)
    expect(JSON.parse(json.stdout)).toMatchObject({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      contract: { id: expect.any(String) as string },
      verdict: { ok: true },
    })
  })

  it.each([
    ['wants-unknown', 'component.unknown_imports'],
    ['no-contract', 'component.invalid_world'],
    ['dialect', 'component.unsupported_dialect'],
  ])('says why %s does not load', async (name, code) => {
    const { code: exit, stdout, stderr } = await run('inspect', fixture(name), '--json')
    expect([exit, stderr]).toEqual([2, ''])
    expect(JSON.parse(stdout)).toMatchObject({ verdict: { ok: false, error: { code } } })
  })

  it('cannot read what is no component', async () => {
    const core = await run('inspect', fixture('core'))
    expect(core.code).toBe(2)
    expectOneLine(core.stderr, 'component.core_module')
    const absent = await run('inspect', '/nowhere.wasm')
    expect(absent.code).toBe(2)
    expectOneLine(absent.stderr, 'bundle.not_found')
  })
})

describe('paddock check', () => {
  it('tries a good bundle, init included', async () => {
    const bundle = await bundleOf('counter')
    const text = await run('check', bundle)
    expect(text).toMatchObject({ code: 0, stderr: '' })
    for (const step of ['manifest', 'digest', 'contract', 'capabilities', 'init']) {
      expect(text.stdout).toMatch(new RegExp(`^ok +${step}`, 'm'))
    }
    const json = await run('check', bundle, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true })
  })

  it.each([
    ['init-rejected', 1, 'module.init_rejected'],
    ['trap-init', 1, 'sandbox.trap'],
    ['wants-unknown', 2, 'component.unknown_imports'],
  ])('says what is wrong with %s', async (name, exit, code) => {
    const { code: got, stdout } = await run('check', await bundleOf(name), '--json')
    expect(got).toBe(exit)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code } })
  })
})

describe('bad usage', () => {
  it.each([
    [['fly']],
    [['run']],
    [['run', 'x', '--fro', '1s']],
    [['run', 'x', '--for', 'soon']],
    [['run', 'x', '--rpc', 'somewhere']],
    [['run', 'x', '--rpc', '1=ftp://x']],
    [['inspect']],
    [['check']],
  ])('%j is told in one line, with 2', async (args) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^paddock: usage\.invalid: [^\n]+\n$/)
  })

  it('without a command shows what there is, with 2', async () => {
    const { code, stdout, stderr } = await run()
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('Usage: paddock')
  })

  it('help and version are no errors', async () => {
    const help = await run('--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('inspect')
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
