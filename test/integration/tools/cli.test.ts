/** `paddock call` and `paddock secrets` in processes of their own, as scripts and people start them. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allGone, descendantsOf } from '../../faults/processes.ts'
import { closeEngines, temporaryFolder } from '../../support/engine.ts'
import { LocalWeb } from '../../support/local-web.ts'
import { paddock, type CommandOptions } from '../../support/paddock-command.ts'
import { toolBundle } from '../../support/tool-engine.ts'

const secret = 's3cret-of-the-operator'
const web = new LocalWeb()
let probe: string
let several: string

beforeAll(async () => {
  await web.start()
  probe = await toolBundle({
    name: 'probe',
    ports: [web.port],
    more: [
      '[[credentials]]',
      'secret = "api_key"',
      'inject = { type = "header", name = "x-key", prefix = "" }',
      'hosts = ["127.0.0.1"]',
      'required = false',
      '[secrets]',
      'visible = ["api_key"]',
    ],
  })
  several = await toolBundle({
    name: 'several',
    component: 'hand',
    operations: ['several.one', 'several.two'],
  })
})

afterAll(async () => {
  await Promise.all([web.stop(), closeEngines()])
})

const call = (bundle: string, params: unknown, more: readonly string[] = [], options: CommandOptions = {}) =>
  paddock(['call', bundle, '--params', JSON.stringify(params), ...more], options)
const answer = (value: unknown): unknown => ({ step: { do: 'answer', value } })

describe('paddock call', () => {
  it('prints the output, and with --json the whole call: exit 0', async () => {
    const people = await call(probe, answer({ seen: [7] }))
    expect(people).toEqual({ code: 0, stdout: '{\n  "seen": [\n    7\n  ]\n}\n', stderr: '' })
    const programs = await call(probe, { steps: [{ do: 'log', message: 'a line' }] }, ['--json'])
    expect(programs).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(programs.stdout)).toEqual({
      ok: true,
      id: expect.any(String) as string,
      module: 'probe',
      operation: 'probe',
      caller: 'command',
      startedAt: expect.any(Number) as number,
      state: 'settled',
      params: '{"steps":[{"do":"log","message":"a line"}]}',
      output: [null],
      usage: expect.objectContaining({ httpRequests: 0, outputBytes: 6 }) as object,
      trace: [],
      logs: [{ level: 'info', message: 'a line' }],
      logsDropped: 0,
    })
  })

  it('tells a failure of the tool: exit 1', async () => {
    const params = { step: { do: 'fail', kind: 'client', code: 'limit', message: 'slow down' } }
    const people = await call(probe, params)
    expect(people).toMatchObject({ code: 1, stderr: '' })
    expect(people.stdout).toMatch(/^failed after \d+ ms: client \(limit\): slow down\n$/)
  })

  it('takes params from a file, and refuses what is none: exit 2', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'params.json'), JSON.stringify(answer('from a file')))
    const fromFile = paddock(['call', probe, '--params', `@${join(folder, 'params.json')}`])
    expect(await fromFile).toMatchObject({ code: 0, stdout: '"from a file"\n' })
    const refused: readonly [string, RegExp][] = [
      ['{', /^failed after \d+ ms: input_encode \(invalid_params\)/],
      ['{"deed":1}', /input_encode \(invalid_params\): .*#\/deed/],
    ]
    const runs = refused.map(async ([params, message]) => {
      const { code, stdout } = await paddock([
        'call',
        several,
        '--operation',
        'several.one',
        '--params',
        params,
      ])
      expect([params, code]).toEqual([params, 2])
      expect(stdout).toMatch(message)
    })
    const missing = paddock(['call', probe, '--params', `@${join(folder, 'none')}`])
    await Promise.all(runs)
    expect(await missing).toMatchObject({ code: 2, stdout: '' })
    expect((await missing).stderr).toMatch(/^paddock: usage\.invalid: The file .*none cannot be read\. .*\n$/)
  })

  it('needs the operation of a tool that has several, by option or context', async () => {
    const deed = { deed: 'x' }
    const [open, named, byContext, unknown, badContext, noBundle] = await Promise.all([
      call(several, deed),
      call(several, deed, ['--operation', 'several.two', '--json']),
      call(several, deed, ['--context', '{"capability_id":"several.one","more":1}', '--json']),
      call(several, deed, ['--operation', 'several.three']),
      call(several, deed, ['--context', '{"operation":"several.one"}']),
      call(join(several, 'none'), deed),
    ])
    expect(open).toMatchObject({ code: 2, stdout: '' })
    expect(open.stderr).toContain('several.one, several.two')
    expect(JSON.parse(named.stdout)).toMatchObject({
      ok: true,
      operation: 'several.two',
      output: { capability_id: 'several.two' },
    })
    expect(JSON.parse(byContext.stdout)).toMatchObject({ ok: true, output: { capability_id: 'several.one' } })
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toContain('tool.unknown_operation')
    expect(badContext).toMatchObject({ code: 2, stdout: '' })
    expect(noBundle).toMatchObject({ code: 2, stdout: '' })
  })

  it('tells each request with the rule that allowed or refused it; private addresses only where they are permitted', async () => {
    const url = `http://127.0.0.1:${web.port}/`
    const params = {
      steps: [
        { do: 'http', url },
        { do: 'http', url: 'https://elsewhere.example/' },
      ],
    }
    const [without, permitted, wrong] = await Promise.all([
      call(probe, params),
      call(probe, params, ['--permit', '127.0.0.1']),
      call(probe, params, ['--permit', 'localhost:80']),
    ])
    expect(without.stdout).toContain(`refused GET ${url}: private_address`)
    expect(permitted.stdout).toMatch(new RegExp(`allowed GET ${url}: 200 in \\d+ ms by `))
    expect(permitted.stdout).toContain('refused GET https://elsewhere.example/: policy_denied')
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
  })

  it('stops the guest on SIGINT, tells what it used, and leaves nothing: exit 1', async () => {
    const own = await temporaryFolder()
    const url = `http://127.0.0.1:${web.port}/`
    const params = { steps: [{ do: 'http', url }, { do: 'spin' }] }
    let started: ChildProcess | undefined
    const received = web.received.length
    const running = call(probe, params, ['--permit', '127.0.0.1', '--json'], {
      onStart: (child) => (started = child),
    })
    await expect.poll(() => web.received.length, { timeout: 20_000 }).toBe(received + 1)
    const processes = await descendantsOf(started!.pid!)
    expect(processes.length).toBeGreaterThan(0)
    started!.kill('SIGINT')
    const { code, stdout, stderr } = await running
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      failure: { kind: 'cancelled' },
      usage: { httpRequests: 1 },
    })
    await allGone(processes, 'the command')
    expect(await readdir(own)).toEqual([])
  })
})

describe('secrets on the command line', () => {
  it('spec tools 5: are set, listed, used and removed, and no value is in arguments, output or files', async () => {
    const folder = await temporaryFolder()
    const state = ['--state-dir', join(folder, 'state')]
    await writeFile(join(folder, 'passphrase'), 'a passphrase long enough\n')
    const env = { PADDOCK_SECRETS_PASSPHRASE_FILE: join(folder, 'passphrase') }
    const told: string[] = []
    const run = async (
      args: readonly string[],
      input = '',
    ): Promise<{ code: number | null; stdout: string; stderr: string }> => {
      const ran = await paddock([...args, ...state], { env, input })
      told.push(ran.stdout, ran.stderr)
      return ran
    }
    expect(await run(['secrets', 'list'])).toEqual({ code: 0, stdout: 'no secrets\n', stderr: '' })
    expect(await run(['secrets', 'set', 'api_key=-'], `${secret}\r\n`)).toMatchObject({
      code: 0,
      stdout: 'api_key is kept\n',
    })
    const listed = await run(['secrets', 'list', '--json'])
    expect(JSON.parse(listed.stdout)).toEqual({
      ok: true,
      secrets: [expect.objectContaining({ name: 'api_key', grants: [] }) as object],
    })

    // Kept, but this tool was not granted it: nothing is injected.
    const url = `http://127.0.0.1:${web.port}/`
    const asking = ['call', probe, '--permit', '127.0.0.1', '--params']
    const step = JSON.stringify({
      steps: [
        { do: 'exists', name: 'api_key' },
        { do: 'http', url },
      ],
    })
    await run([...asking, step, '--json'])
    expect(web.received.at(-1)?.headers).not.toHaveProperty('x-key')

    // Naming it with the call is the grant.
    web.handler = ({ headers }, response) => response.end(`you said ${String(headers['x-key'])}`)
    const used = await run([...asking, step, '--secret', 'api_key=-'], `${secret}\n`)
    expect(web.received.at(-1)?.headers['x-key']).toBe(secret)
    expect(used).toMatchObject({ code: 0, stderr: '' })
    expect(used.stdout).toContain('you said [REDACTED]')
    expect(used.stdout).toContain(', with api_key')

    expect(await run(['secrets', 'remove', 'api_key'])).toMatchObject({ code: 0, stdout: 'removed\n' })
    expect(await run(['secrets', 'remove', 'api_key'])).toMatchObject({ code: 2 })
    for (const text of told) expect(text).not.toContain(secret)
    for (const file of await readdir(join(folder, 'state'), { recursive: true, withFileTypes: true })) {
      if (file.isFile()) {
        const bytes = await readFile(join(file.parentPath, file.name))
        expect(bytes.includes(secret), file.name).toBe(false)
      }
    }
  })

  it('says what is wrong without repeating what may be a value', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'state'))
    const state = ['--state-dir', join(folder, 'state')]
    const cases: readonly [readonly string[], number, string][] = [
      [['secrets', 'set', `api_key=${secret}`, ...state], 2, 'usage.invalid'],
      [['secrets', 'set', ...state], 2, 'usage.invalid'],
      [['secrets', 'show', 'api_key', ...state], 2, 'usage.invalid'],
      [['secrets', 'set', 'api key=-', ...state], 2, 'usage.invalid'],
      [['secrets', 'list'], 2, 'usage.invalid'],
      [['call', probe, '--secret', secret], 2, 'usage.invalid'],
      // Nothing could seal it in a directory that is kept.
      [['secrets', 'set', 'api_key=-', ...state], 1, 'secret.no_key'],
    ]
    // One at a time where they share a state directory.
    for (const [args, code, error] of cases) {
      const ran = await paddock(args, { input: `${secret}\n` })
      expect([args, ran.code, ran.stdout]).toEqual([args, code, ''])
      expect(ran.stderr).toMatch(new RegExp(`^paddock: ${error}: .+\\n$`))
      if (args.at(-1) !== secret) expect(ran.stderr).not.toContain(secret)
    }
  })
})
