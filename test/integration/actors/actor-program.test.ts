import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildModule } from '../../../scripts/guest-kit/build-module.mjs'
import { LogBuffer } from '../../../src/sandbox/bridge/log-buffer.ts'
import { bridgedDatabase } from '../../../src/sandbox/contracts/actor/bridged/bridged-database.ts'
import { openDatabase } from '../../../src/sandbox/contracts/actor/placement.ts'
import { createActorProgram } from '../../../src/sandbox/contracts/actor/program.ts'
import { ownerScript } from '../../../src/sandbox/contracts/actor/testing/databases.testing.ts'
import type { GuestProgram } from '../../../src/sandbox/programs/guest-program.ts'
import type { ActorFacts, ActorOperation } from '../../../src/shared/contracts/actor.ts'
import { actorOperations } from '../../../src/shared/contracts/actor.ts'
import { defaultLimits } from '../../../src/shared/domain/limits.ts'
import type { GuestLogRecord } from '../../../src/shared/domain/log.ts'
import { artifactOf } from '../../support/sandbox-process.ts'

let cacheDir: string
let folder: string
let programs: GuestProgram[]
const components = new Map<string, string>()

beforeAll(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'paddock-artifacts-'))
  const folders = {
    todo: 'modules/todo-actor',
    counter: 'modules/counter-actor',
    hygiene: 'test/fixtures/actor-guests/hygiene',
  }
  for (const [name, path] of Object.entries(folders)) {
    const output = join(cacheDir, `${name}.wasm`)
    await buildModule({ folder: resolve(path), output })
    components.set(name, await artifactOf(output, cacheDir))
  }
}, 120_000)
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paddock-actor-'))
  programs = []
})
afterEach(() => {
  for (const program of programs) program.close()
  rmSync(folder, { recursive: true, force: true })
})

class Actor {
  readonly logs: GuestLogRecord[] = []
  private readonly program: GuestProgram
  private readonly log: LogBuffer

  constructor(program: GuestProgram, log: LogBuffer) {
    this.program = program
    this.log = log
  }

  static async load(
    name: string,
    capabilities: readonly string[] = ['database', 'key-value', 'logging', 'clock', 'entropy'],
  ): Promise<Actor> {
    const log = new LogBuffer({ minLevel: 'trace', send: () => undefined })
    const spec = {
      module: name,
      run: 1,
      contract: 'actor',
      artifactDirectory: components.get(name)!,
      storePath: null,
      durability: 'event' as const,
      limits: { ...defaultLimits, fuelPerCall: 5_000_000_000 },
      capabilities: Object.fromEntries(capabilities.map((each) => [each, 'provided' as const])),
      logLevel: 'trace' as const,
    }
    const callHost = () => {
      throw new Error('an actor asks the engine for nothing')
    }
    const statements = { begin: () => undefined, end: () => undefined }
    const program = await createActorProgram(
      { spec, log, callHost, statements } as unknown as Parameters<typeof createActorProgram>[0],
      (facts, context) =>
        facts.placement === 'bridged'
          ? bridgedDatabase(facts, context.statements, ownerScript)
          : openDatabase(facts, context),
    )
    programs.push(program)
    return new Actor(program, log)
  }

  run(operation: ActorOperation | 'nonsense', payload: unknown = {}): Record<string, unknown> {
    const call = {
      id: 1,
      sequence: 0,
      operation,
      payload,
      cursor: null,
      fuel: 5_000_000_000,
      deadlineMs: 60_000,
      context: {},
    }
    const outcome = this.program.run(call, () => undefined)
    this.logs.push(...this.log.take().records)
    if (outcome.status !== 'ok') return outcome
    if (operation !== 'nonsense') actorOperations[operation].answer.parse(outcome.value)
    return outcome.value as never
  }

  open(changes: Partial<ActorFacts> = {}): this {
    const facts = {
      namespace: 'tests',
      actorId: 'a',
      key: ['alice'],
      generation: 1,
      databasePath: join(folder, 'a.db'),
      placement: 'inline',
      synchronous: 'normal',
      limits: {},
      budgets: {},
      ...changes,
    }
    expect(this.run('open', facts)).toEqual({ status: 'done', value: null })
    return this
  }

  start(cause = 'created', input: unknown = null): this {
    expect(this.run('migrate')).toMatchObject({ status: 'done' })
    const bytes = input === null ? null : new TextEncoder().encode(JSON.stringify(input))
    expect(this.run('start', { cause, input: bytes, settings: [] })).toEqual({ status: 'done', value: null })
    return this
  }

  ask(method: string, input?: unknown): unknown {
    const payload = input === undefined ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(input))
    const answer = this.run('request', { method, payload })
    if (answer['status'] !== 'done') return answer['error'] ?? answer
    return JSON.parse(new TextDecoder().decode(answer['value'] as Uint8Array))
  }
}

describe.each(['inline', 'bridged'] as const)(
  'spec actors-sql 20: parity, TypeScript guest, %s',
  (placement) => {
    it('todo-actor', async () => {
      const actor = (await Actor.load('todo')).open({ placement }).start()
      expect(actor.logs.map(({ message }) => message)).toEqual(['list alice created'])
      expect(actor.ask('add', { title: 'water the plants' })).toEqual({ id: 1 })
      expect(actor.ask('import', { titles: ['a', 'b'] })).toEqual({ ids: [2, 3] })
      expect(actor.ask('finish', { ids: [1, 9] })).toEqual({
        tag: 'user',
        code: 'todo.unknown',
        message: 'There is no todo 9.',
        metadata: '{"id":9}',
      })
      expect(actor.ask('count')).toEqual({ total: 3, done: 0 })
      expect(actor.ask('finish', { ids: [1, 2] })).toEqual({ finished: 2 })
      expect(actor.ask('list')).toEqual([
        { id: 1, title: 'water the plants', done: 1 },
        { id: 2, title: 'a', done: 1 },
        { id: 3, title: 'b', done: 0 },
      ])
      expect(actor.ask('add', { title: 7 })).toEqual({
        tag: 'invalid-payload',
        message: 'title must be a text.',
      })
      expect(actor.ask('nothing')).toEqual({ tag: 'method-not-found', method: 'nothing' })
      expect(actor.run('info')).toMatchObject({ status: 'done', value: { open: true, schemaVersion: 2 } })
      expect(actor.run('sleep')).toEqual({ status: 'done', value: null })
      expect(actor.run('close')).toEqual({ status: 'done', value: null })
      const woken = (await Actor.load('todo')).open({ placement, generation: 2 }).start('woken')
      expect(woken.ask('count')).toEqual({ total: 3, done: 2 })
    })

    it('counter-actor', async () => {
      const actor = (await Actor.load('counter')).open({ placement }).start('created', { value: 40 })
      expect(actor.ask('add', { by: 2 })).toEqual({ value: 42 })
      expect(actor.ask('add')).toEqual({ value: 43 })
      expect(actor.ask('get')).toEqual({ value: 43 })
      expect(actor.ask('history')).toEqual([
        { by: 1, value: 43 },
        { by: 2, value: 42 },
      ])
    })

    it('spec actors-sql 20: guest hygiene', async () => {
      const actor = (await Actor.load('hygiene')).open({ placement }).start()
      const message = (method: string) => (actor.ask(method) as { message: string }).message
      expect(actor.ask('bigint')).toEqual(['9007199254740993', 'integer'])
      expect(actor.ask('extremes')).toEqual(['-9223372036854775808', '9223372036854775807'])
      expect(message('hugeBigint')).toMatch(/^RangeError: The integer does not fit 64 bits/)
      expect(actor.ask('lone')).toEqual(['a\ufffdb'])
      expect(actor.ask('loneSql')).toEqual(['a\ufffdb'])
      expect(actor.ask('loneKey')).toEqual(['a\ufffdb'])
      // JSON has an escape for it, so it need not cross as text.
      expect(actor.ask('loneAnswer')).toBe('a\ud800b')
      expect(actor.ask('loneError')).toMatchObject({ tag: 'user', code: 'a\ufffdb', message: 'a\ufffdb' })
      for (const method of ['undefined', 'date', 'array'])
        expect(message(method)).toMatch(/^TypeError: A parameter must be/)
      for (const method of ['nan', 'realNan'])
        expect(message(method)).toMatch(/^TypeError: NaN cannot be stored/)
      expect(message('noParams')).toMatch(/^TypeError: Parameters are a list or an object/)
      expect(actor.ask('real')).toEqual(['integer', 'real', 'real', 'real'])
      expect(actor.ask('boolean')).toEqual([1, 0])
      expect(actor.ask('blob')).toEqual(['', null])
      expect(actor.ask('nul')).toEqual(['a\0b'])
      expect(actor.ask('named')).toEqual({ a: 1, b: 'x' })
      expect(actor.ask('caseOf')).toEqual(['execution-failed', true])
      expect(actor.ask('throwNothing')).toEqual({ tag: 'internal', message: 'undefined' })
      expect(message('async')).toMatch(/^Error: async must not be async/)
      expect(actor.ask('time')).toEqual(['number', true])
      expect(actor.ask('random')).toBe(3)
      actor.ask('log')
      expect(actor.logs.at(-1)?.message).toBe('a 1 a\ufffdb {"b":["2"]}')
      expect(actor.ask('nested')).toEqual([[1]])
      expect(actor.ask('leftOpen')).toMatchObject({ code: 'actor.transaction_left_open' })
      expect(actor.logs.at(-1)).toMatchObject({
        level: 'warn',
        message: 'method leftOpen left a transaction open; it was rolled back',
      })
      expect(actor.ask('count')).toBe(1)
    })

    it('spec actors-sql 20: trap', async () => {
      const actor = (await Actor.load('hygiene')).open({ placement }).start()
      const failed = actor.run('request', { method: 'trap', payload: new Uint8Array(0) })
      expect(failed).toMatchObject({ status: 'failed', error: { code: 'wasm.trap' } })
      for (const program of programs.splice(0)) program.close()
      const next = (await Actor.load('hygiene')).open({ placement, generation: 2 }).start('restarted')
      expect(next.ask('count')).toBe(0)
    })
  },
)

describe("the guide's actor", () => {
  it('passes the strict type check, builds and does what it says', async () => {
    const guide = readFileSync(resolve('docs/module-authors.md'), 'utf8')
    const notes = join(cacheDir, 'notes')
    for (const [, name, text] of guide.matchAll(/^`notes\/([^`]+)`[^`]*```\w+\n([\s\S]*?)^```$/gm)) {
      mkdirSync(dirname(join(notes, name!)), { recursive: true })
      writeFileSync(
        join(notes, name!),
        text!.replaceAll('../paddock/scripts/guest-kit', resolve('scripts/guest-kit')),
      )
    }
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', notes])
    const { output } = await buildModule({ folder: notes })
    components.set('notes', await artifactOf(output, cacheDir))
    const actor = (await Actor.load('notes')).open().start()
    expect(actor.ask('add', { text: 'water the plants' })).toBe(1)
    expect(actor.ask('add', {})).toEqual({ tag: 'invalid-payload', message: 'text must be a text.' })
    expect(actor.ask('remove', { ids: [1, 2] })).toMatchObject({ tag: 'user', code: 'notes.unknown' })
    expect(actor.ask('list')).toEqual([{ id: 1, text: 'water the plants' }])
  })
})

describe('an actor program', () => {
  it('spec actors-sql 20: migrations, an import call in them traps', async () => {
    const rude = join(cacheDir, 'rude')
    mkdirSync(join(rude, 'src'), { recursive: true })
    writeFileSync(
      join(rude, 'paddock.toml'),
      '[module]\nname = "rude"\n[capabilities]\nrequired = ["database"]\n',
    )
    writeFileSync(
      join(rude, 'src/index.ts'),
      `import { actor, sql } from 'paddock:actor'
       export const lifecycle = {
         ...actor({ requests: {} }),
         migrations: () => { try { sql.exec('SELECT 1') } catch {} return [] },
       }`,
    )
    components.set('rude', await artifactOf((await buildModule({ folder: rude })).output, cacheDir))
    const actor = (await Actor.load('rude')).open()
    expect(actor.run('migrate')).toMatchObject({ status: 'failed', error: { code: 'actor.panicked' } })
  })

  it('refuses what does not fit its state or its contract', async () => {
    const actor = await Actor.load('todo')
    const code = (operation: ActorOperation | 'nonsense', payload: unknown = {}) =>
      (actor.run(operation, payload)['error'] as { code: string }).code
    expect(code('nonsense')).toBe('actor.invalid_operation')
    expect(code('request', { method: 'list', payload: new Uint8Array(0) })).toBe('wasm.invalid_state')
    expect(code('open', { namespace: 'x' })).toBe('wasm.invalid_config')
    expect(code('open', { placement: 'elsewhere' })).toBe('wasm.invalid_config')
    actor.open()
    expect(code('open', {})).toBe('wasm.invalid_config')
    expect(code('request', { method: 'list' })).toBe('actor.missing_input')
  })

  it('without the capability the database answers, and the instance lives', async () => {
    const actor = (await Actor.load('hygiene', ['logging'])).open()
    actor.start()
    expect((actor.ask('count') as { message: string }).message).toContain('not-configured')
  })

  it('without a database in its manifest', async () => {
    const actor = (await Actor.load('hygiene')).open({ databasePath: null })
    expect((actor.run('migrate')['error'] as { code: string }).code).toBe('sqlite.not_configured')
    expect(actor.ask('count')).toMatchObject({ code: 'actor.starting' })
    expect(actor.run('start', { cause: 'created', input: null, settings: [] })).toMatchObject({
      status: 'done',
    })
    expect((actor.ask('count') as { message: string }).message).toContain('not-configured')
  })
})
