import { flushSync } from 'svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { endpointTestSchema } from '../../shared/domain/chain.ts'
import { PaddockError } from '../../shared/errors.ts'
import { findEntries, paletteEntries } from '../app/palette-entries.ts'
import { windowRows } from '../components/rows.ts'
import { ConsoleDouble } from '../testing/console-double.ts'
import {
  busyUsage,
  sampleChain,
  sampleDispatch,
  sampleError,
  sampleLog,
  sampleModule,
} from '../testing/samples.ts'
import { busyMorning, firstRun } from '../testing/scenes.ts'
import { keepOrder, matches, sortRows, toRows } from '../views/modules/module-rows.ts'
import { attentionList } from './attention.ts'
import { ChainDraft } from './chain-draft.svelte.ts'
import { ConsoleState } from './console.svelte.ts'
import { DispatchFeed } from './dispatches.svelte.ts'
import { EngineState } from './engine.svelte.ts'
import { InstallFlow } from './install.svelte.ts'
import { Keys, pressOf } from './keys.svelte.ts'
import { LogFeed } from './logs.svelte.ts'
import { fuzzy } from './match.ts'
import { formatRoute, parseRoute } from './route.svelte.ts'
import { chainStanding, levelOf, moduleStanding } from './standing.ts'
import { ToastState } from './toasts.svelte.ts'

const now = Date.now()
const settled = (check: () => void) => vi.waitFor(check)

afterEach(() => vi.useRealTimers())

describe('EngineState', () => {
  it('takes a snapshot, then its changes', async () => {
    const double = new ConsoleDouble(firstRun())
    const engine = new EngineState(double.client)
    const stop = engine.start()
    await settled(() => expect(engine.phase).toBe('ready'))
    double.change({ modules: [sampleModule('block-logger')] })
    expect(engine.modules.map((module) => module.name)).toEqual(['block-logger'])
    double.change({ modulesRemoved: ['block-logger'] })
    expect(engine.modules).toEqual([])
    stop()
    double.change({ modules: [sampleModule('late')] })
    expect(engine.modules).toEqual([])
  })

  it('asks for the snapshot again after a gap', async () => {
    const double = new ConsoleDouble(firstRun())
    const engine = new EngineState(double.client)
    const snapshot = vi.spyOn(double.client.state, 'snapshot')
    engine.start()
    await settled(() => expect(engine.phase).toBe('ready'))
    double.change({ watchFolders: ['/lost'] }, 3)
    expect(engine.watchFolders).toEqual([])
    await settled(() => expect(engine.watchFolders).toEqual(['/lost']))
    expect(snapshot).toHaveBeenCalledTimes(2)
  })

  it('applies a change that overtakes the snapshot, once', async () => {
    const double = new ConsoleDouble(firstRun())
    const engine = new EngineState(double.client)
    engine.start()
    double.change({ activity: [{ id: 9, time: now, severity: 'ok', subject: 'a', event: 'e', text: 't' }] })
    await settled(() => expect(engine.phase).toBe('ready'))
    expect(engine.activity.filter((entry) => entry.id === 9)).toHaveLength(1)
  })

  it('says why when the engine does not answer, and recovers', async () => {
    const double = new ConsoleDouble(firstRun())
    const snapshot = vi.spyOn(double.client.state, 'snapshot')
    snapshot.mockRejectedValueOnce(new PaddockError('ipc.timeout', 'No answer in 30 s.'))
    const engine = new EngineState(double.client)
    engine.start()
    await settled(() => expect(engine.phase).toBe('failed'))
    expect(engine.error?.code).toBe('ipc.timeout')
    engine.retry()
    await settled(() => expect(engine.phase).toBe('ready'))
  })
})

describe('standings', () => {
  it('derives degraded from a store near its quota', () => {
    const usage = { ...sampleModule('a').usage, storeBytes: 45.6 * 1024 * 1024 }
    const standing = moduleStanding(sampleModule('a', { usage }), now)
    expect(standing).toMatchObject({ mark: 'degraded', reason: 'store 91\u202f% full' })
  })
  it('derives degraded from events that fail one after the other, and says with what', () => {
    const error = sampleError('guest.error', 'gas-peak: internal: bad block')
    const failing = (rolledBackInRow: number) =>
      sampleModule('a', { usage: { ...busyUsage, rolledBackInRow }, lastError: { time: now, error } })
    expect(moduleStanding(failing(2), now).mark).toBe('running')
    expect(moduleStanding(failing(3), now)).toMatchObject({ mark: 'degraded', reason: 'last 3 failed' })
    expect(attentionList({ modules: [failing(3)], chains: [], notices: [] }, now)).toMatchObject([
      { title: 'a: the last 3 events failed', code: 'guest.error', since: 0 },
    ])
  })
  it('does not call a stopped module degraded', () => {
    const usage = { ...sampleModule('a').usage, storeBytes: 50 * 1024 * 1024 }
    expect(
      moduleStanding(sampleModule('a', { usage, status: { state: 'stopped', since: now } }), now).mark,
    ).toBe('stopped')
  })
  it('knows the levels of a meter', () => {
    expect([79, 80, 94.9, 95, 120].map((used) => levelOf(used, 100))).toEqual([
      'normal',
      'high',
      'high',
      'over',
      'over',
    ])
    expect(levelOf(null, 100)).toBe('normal')
    expect(levelOf(1, 0)).toBe('over')
  })
  it('says how many endpoints of a live chain answer', () => {
    const chain = busyMorning().chains.find((each) => each.config.chainId === '100')!
    expect(chainStanding(chain, now)).toMatchObject({ mark: 'degraded', reason: '1 of 2 endpoints up' })
  })
})

describe('attention', () => {
  it('puts the dead before the restarting, those before what waits, and settings last', () => {
    expect(attentionList(busyMorning(), now).map((row) => row.title)).toEqual([
      'price-alert is dead',
      'bridge-sentinel keeps restarting',
      'gas-oracle 0.2.0 waits for consent',
      'twap-monitor: store 91\u202f% full',
      'settings.json could not be read and was kept as settings.json.broken.',
      'Gnosis: 1 of 2 endpoints up',
    ])
  })
  it('is empty when all is well', () => {
    expect(attentionList(firstRun(), now)).toEqual([])
  })
  it('tells one cause once', () => {
    const error = sampleError('sandbox.trap', 'It trapped.')
    const module = sampleModule('a', { status: { state: 'dead', since: now, error } })
    const notice = {
      id: 'n',
      time: now,
      severity: 'error' as const,
      subject: { kind: 'module' as const, name: 'a' },
      error,
    }
    expect(attentionList({ modules: [module], chains: [], notices: [notice] }, now)).toHaveLength(1)
    expect(attentionList({ modules: [], chains: [], notices: [notice] }, now)).toHaveLength(1)
  })
  it('offers to start the devnet when its chain is down', () => {
    const chain = sampleChain('31337', 'Local devnet', {
      devnet: true,
      status: 'down',
      error: sampleError('chain.unreachable', 'Refused.'),
    })
    expect(attentionList({ modules: [], chains: [chain], notices: [] }, now)[0]?.actions).toEqual([
      { kind: 'start-devnet', label: 'Start devnet' },
    ])
  })
})

describe('routes', () => {
  it.each([
    { screen: 'modules', item: 'a b/c', part: 'logs', query: { text: 'x&y=z', level: 'warn' } },
    { screen: 'chains', item: '8453', part: null, query: {} },
    { screen: 'overview', item: null, part: null, query: {} },
  ] as const)('reads back what it writes: $screen', (route) => {
    expect(parseRoute(formatRoute(route))).toEqual(route)
  })
  it('takes anything unknown for the overview', () => {
    expect(parseRoute('#/nowhere').screen).toBe('overview')
    expect(parseRoute('#/modules/%E0%A4%A').item).toBe('%E0%A4%A')
  })
})

describe('module rows', () => {
  const rows = toRows(busyMorning().modules, now)
  const names = (some: typeof rows): string[] => some.map((row) => row.module.name)
  it('sorts trouble first', () => {
    expect(names(sortRows(rows, 'state', false)).slice(0, 4)).toEqual([
      'price-alert',
      'bridge-sentinel',
      'gas-oracle',
      'twap-monitor',
    ])
  })
  it('keeps what has no value last, either way', () => {
    for (const reversed of [false, true]) {
      const sorted = sortRows(rows, 'p99', reversed)
      expect(sorted[sorted.length - 1]?.module.usage.latencyMsP99).toBeNull()
      expect(sorted[0]?.module.usage.latencyMsP99).not.toBeNull()
    }
  })
  it('finds by name, error and chain', () => {
    const chainName = (id: string): string => ({ '100': 'Gnosis', '1': 'Ethereum' })[id] ?? id
    const found = (search: string): string[] => names(rows.filter((row) => matches(row, search, chainName)))
    expect(found('error:out_of')).toEqual(['price-alert'])
    expect(found('chain:gnosis')).toEqual(['bridge-sentinel', 'twap-monitor'])
    expect(found('gnosis restarting')).toEqual(['bridge-sentinel'])
    expect(found('nothing-like-it')).toEqual([])
  })
  it('keeps a held order and puts new rows after it', () => {
    expect(names(keepOrder(rows, ['vault-accrual', 'price-alert'])).slice(0, 2)).toEqual([
      'vault-accrual',
      'price-alert',
    ])
  })
})

describe('windowRows', () => {
  it('renders short lists whole', () => {
    expect(windowRows({ count: 100, rowHeight: 28, scrollTop: 0, height: 600 })).toEqual({
      start: 0,
      end: 100,
      before: 0,
      after: 0,
    })
  })
  it('keeps the full height at every place', () => {
    for (const scrollTop of [0, 5_000, 27_400, 99_999]) {
      const part = windowRows({ count: 1_000, rowHeight: 28, scrollTop, height: 600 })
      expect(part.before + (part.end - part.start) * 28 + part.after).toBe(28_000)
      expect(part.end - part.start).toBeLessThan(60)
    }
  })
})

describe('palette', () => {
  it('matches letters in order, starts of words best', () => {
    expect(fuzzy('xyz', 'price-alert')).toBeNull()
    expect(fuzzy('pa', 'price-alert')!.score).toBeGreaterThan(fuzzy('ra', 'price-alert')!.score)
    expect(fuzzy('alert', 'price-alert')!.positions).toEqual([6, 7, 8, 9, 10])
    expect(fuzzy('', 'anything')).toEqual({ score: 0, positions: [] })
  })
  it('offers what fits the state of a module', async () => {
    const double = new ConsoleDouble(busyMorning())
    const console = new ConsoleState(double.client, { pathForFile: () => '' })
    const stop = console.engine.start()
    await settled(() => expect(console.engine.phase).toBe('ready'))
    const entries = paletteEntries(console)
    const labels = findEntries(entries, 'price-alert').flatMap((group) =>
      group.entries.map((entry) => entry.label),
    )
    expect(labels[0]).toBe('price-alert')
    expect(labels).toContain('Revive price-alert')
    expect(labels).not.toContain('Stop price-alert')
    expect(findEntries(entries, '#gno').map((group) => group.title)).toEqual(['Chains'])
    expect(findEntries(entries, '>restart twap')[0]?.entries[0]?.label).toBe('Restart twap-monitor')
    findEntries(entries, '>revive price')[0]?.entries[0]?.run()
    await settled(() =>
      expect(double.calls).toContainEqual({ call: 'modules.revive', input: { name: 'price-alert' } }),
    )
    stop()
  })
})

describe('Keys', () => {
  const press = (key: string, more: Partial<KeyboardEventInit> = {}): KeyboardEvent =>
    new KeyboardEvent('keydown', { key, ...more })
  it('names presses as bindings do', () => {
    expect(pressOf({ key: 'j', shiftKey: false, altKey: false })).toBe('J')
    expect(pressOf({ key: 'R', shiftKey: true, altKey: false })).toBe('Shift R')
    expect(pressOf({ key: '?', shiftKey: true, altKey: false })).toBe('?')
    expect(pressOf({ key: 'ArrowUp', shiftKey: false, altKey: true })).toBe('Alt ↑')
  })
  it('follows a sequence, and lets the newest group win', () => {
    const keys = new Keys()
    const ran: string[] = []
    keys.add('Frame', [
      { keys: 'G then L', label: '', run: () => ran.push('logs screen') },
      { keys: 'L', label: '', run: () => ran.push('frame') },
    ])
    const remove = keys.add('View', [{ keys: 'L', label: '', run: () => ran.push('view') }])
    keys.handle(press('l'))
    keys.handle(press('g'))
    keys.handle(press('l'))
    remove()
    keys.handle(press('l'))
    expect(ran).toEqual(['view', 'logs screen', 'frame'])
  })
  it('leaves typing alone', () => {
    const keys = new Keys()
    const run = vi.fn()
    keys.add('View', [{ keys: 'L', label: '', run }])
    const field = document.body.appendChild(document.createElement('input'))
    field.addEventListener('keydown', (event) => keys.handle(event))
    field.dispatchEvent(press('l', { bubbles: true }))
    expect(run).not.toHaveBeenCalled()
    keys.handle(press('l', { ctrlKey: true }))
    expect(run).not.toHaveBeenCalled()
  })
})

describe('LogFeed', () => {
  it('follows, holds and counts, and shows each line once', async () => {
    const double = new ConsoleDouble(firstRun())
    for (let id = 0; id < 500; id += 1) double.logs.push(sampleLog(id))
    const feed = new LogFeed(double.client)
    await feed.open({})
    expect(feed.records).toHaveLength(400)
    expect(feed.more).toBe(true)
    double.log(sampleLog(500))
    expect(feed.records[feed.records.length - 1]?.id).toBe(500)
    feed.hold()
    double.log(sampleLog(501))
    double.log(sampleLog(502))
    expect(feed.held).toBe(2)
    expect(feed.records[feed.records.length - 1]?.id).toBe(500)
    await feed.loadOlder()
    expect(feed.records[0]?.id).toBe(0)
    expect(feed.more).toBe(false)
    feed.follow()
    const ids = feed.records.map((record) => record.id)
    expect(ids).toEqual(Array.from({ length: 503 }, (_, id) => id))
    feed.close()
    double.log(sampleLog(503))
    expect(feed.records).toHaveLength(503)
  })
  it('shows only what the filter asks for', async () => {
    const double = new ConsoleDouble(firstRun())
    const feed = new LogFeed(double.client)
    await feed.open({ minLevel: 'warn', module: 'a' })
    double.log(sampleLog(1, { module: 'a', level: 'info' }))
    double.log(sampleLog(2, { module: 'b', level: 'error' }))
    double.log(sampleLog(3, { module: 'a', level: 'error' }))
    expect(feed.records.map((record) => record.id)).toEqual([3])
  })
})

describe('DispatchFeed', () => {
  it('keeps newest first, each once, and holds', async () => {
    const double = new ConsoleDouble(firstRun())
    double.dispatches.set('a', [sampleDispatch(2), sampleDispatch(1)])
    const feed = new DispatchFeed(double.client)
    feed.start('a')
    await settled(() => expect(feed.phase).toBe('ready'))
    double.dispatch('a', sampleDispatch(3))
    feed.toggle()
    double.dispatch('a', sampleDispatch(4))
    expect(feed.list.map((each) => each.dispatch)).toEqual([3, 2, 1])
    expect(feed.held).toBe(1)
    feed.toggle()
    expect(feed.list.map((each) => each.dispatch)).toEqual([4, 3, 2, 1])
  })
})

describe('InstallFlow', () => {
  const start = (): { double: ConsoleDouble; flow: InstallFlow } => {
    const double = new ConsoleDouble(firstRun())
    const flow = new InstallFlow(double.client, new ToastState())
    flow.start()
    return { double, flow }
  }
  it('starts with risky asks refused and the rest granted', async () => {
    const { flow } = start()
    flow.offer(['/tmp/limit-keeper.tar.gz'])
    await settled(() => expect(flow.phase.kind).toBe('review'))
    expect([...flow.granted].sort()).toEqual(['chain', 'clock', 'local-store', 'logging'])
  })
  it('installs with what is granted', async () => {
    const { double, flow } = start()
    flow.offer(['/tmp/a'])
    await settled(() => expect(flow.phase.kind).toBe('review'))
    flow.setGranted('http', true)
    await flow.install(true)
    const call = double.calls.find((each) => each.call === 'modules.install')
    expect(call?.input).toMatchObject({ requestId: 'request-1', start: true })
    expect((call?.input as { granted: string[] }).granted).toContain('http')
    expect(flow.phase.kind).toBe('idle')
  })
  it('discards what is refused and goes on with the next', async () => {
    const { double, flow } = start()
    double.badPaths.set('/tmp/b', new PaddockError('component.core_module', 'It is a core module.'))
    flow.offer(['/tmp/a', '/tmp/b'])
    await settled(() => expect(flow.phase.kind).toBe('review'))
    await flow.dismiss()
    expect(double.calls).toContainEqual({ call: 'modules.discard', input: { requestId: 'request-1' } })
    await settled(() =>
      expect(flow.phase).toMatchObject({
        kind: 'failed',
        path: '/tmp/b',
        error: { code: 'component.core_module' },
      }),
    )
  })
  it('does not ask about a bundle whose inspection was cancelled', async () => {
    const { double, flow } = start()
    flow.offer(['/tmp/a'])
    expect(flow.phase.kind).toBe('inspecting')
    await flow.dismiss()
    await settled(() => expect(double.calls.map((each) => each.call)).toContain('modules.discard'))
    expect(double.calls.map((each) => each.call)).toContain('modules.cancel')
    expect(flow.phase.kind).toBe('idle')
  })
})

describe('ChainDraft', () => {
  const draftOf = (double: ConsoleDouble): ChainDraft =>
    new ChainDraft(double.client, sampleChain('1', 'Ethereum').config)
  it('checks addresses as they are typed', () => {
    const draft = draftOf(new ConsoleDouble(firstRun()))
    const id = draft.add()
    draft.setUrl(id, 'https://a .example')
    flushSync()
    expect(draft.errors.urls.get(id)).toBe('There is a blank in the address. Remove it.')
    draft.setUrl(id, 'ftp://a.example')
    expect(draft.errors.urls.get(id)).toContain('cannot be used')
    draft.setUrl(id, draft.endpoints[0]!.url)
    expect(draft.errors.urls.get(id)).toContain('already')
    draft.setUrl(id, 'https://a.example')
    expect(draft.errorCount).toBe(0)
    expect(draft.changed).toBe(true)
    draft.discard()
    expect(draft.changed).toBe(false)
  })
  it('moves endpoints, not past an end', () => {
    const draft = draftOf(new ConsoleDouble(firstRun()))
    const id = draft.add()
    draft.setUrl(id, 'https://b.example')
    draft.move(id, 1)
    expect(draft.endpoints.map((each) => each.id).indexOf(id)).toBe(1)
    draft.move(id, -1)
    expect(draft.endpoints[0]?.id).toBe(id)
  })
  it('does not save what is wrong, and saves trimmed', async () => {
    const double = new ConsoleDouble(firstRun())
    const draft = draftOf(double)
    draft.pollIntervalMs = '1'
    expect(await draft.save()).toBe(false)
    draft.pollIntervalMs = '2000'
    draft.name = ' Mainnet '
    expect(await draft.save()).toBe(true)
    expect(double.calls).toContainEqual({
      call: 'chains.save',
      input: expect.objectContaining({ name: 'Mainnet', pollIntervalMs: 2_000 }),
    })
  })
  it('keeps the outcome of a test with the address it was for', async () => {
    const draft = draftOf(new ConsoleDouble(firstRun()))
    const id = draft.endpoints[0]!.id
    draft.setUrl(id, 'https://dead.example')
    await draft.test(id)
    const test = draft.tests.get(id)
    expect(test).toMatchObject({
      kind: 'done',
      url: 'https://dead.example',
      result: { ok: false, error: { code: 'chain.unreachable' } },
    })
    expect(endpointTestSchema.safeParse(test?.kind === 'done' ? test.result : null).success).toBe(true)
  })
})
