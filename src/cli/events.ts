/** `paddock events`: looks at the streams of a decider, exports, copies and checks them. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { NatsEventStores } from '../engine/capabilities/event-store/nats-connection.ts'
import type { NatsEventStore } from '../engine/capabilities/event-store/nats-event-store.ts'
import { systemClock } from '../engine/clock.ts'
import { EventBrowser } from '../engine/event-browser/event-browser.ts'
import type { AsyncEventReader } from '../engine/event-browser/protocol.ts'
import type { EventFeed } from '../engine/events/decider-feed/event-feed.ts'
import { FileFeed } from '../engine/events/decider-feed/file-feed.ts'
import { NatsFeed } from '../engine/events/decider-feed/nats-feed.ts'
import { deciderMemoryFile, DeciderMemory } from '../engine/contracts/decider/routing/memory.ts'
import { knownCapabilities } from '../engine/contracts/registry.ts'
import { openBundle } from '../engine/modules/bundle.ts'
import { statePaths } from '../engine/state-directory.ts'
import type { RecordedEvent } from '../event-store/event-store.ts'
import { eventStoreFile } from '../event-store/store-file.ts'
import { natsServersSchema } from '../shared/domain/operator/stores.ts'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import type { Output } from './output.ts'

export interface EventsOptions {
  readonly stream?: string | undefined
  readonly after?: number | undefined
  readonly type?: readonly string[] | undefined
  readonly limit?: number | undefined
  readonly follow?: boolean | undefined
  readonly export?: string | undefined
  readonly import?: string | undefined
  readonly backup?: string | undefined
  readonly check?: boolean | undefined
  readonly stateDir?: string | undefined
  readonly credentials?: string | undefined
}

interface OpenStore {
  readonly reader: AsyncEventReader
  readonly feed: EventFeed
  /** The file, where it is one. */
  readonly file: string | null
}

const pageEvents = 500
const fileOptions = ['export', 'import', 'backup'] as const

/** Shows, follows, exports, imports, copies or checks. Exit 0, 1 when a check fails or the store does, 2 on bad usage. */
export async function events(target: string, options: EventsOptions, output: Output): Promise<number> {
  const browser = new EventBrowser(path.join(__dirname, 'event-reader.cjs'))
  const servers: NatsEventStores[] = []
  const ended = new AbortController()
  const stop = (): void => ended.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    const store = target.includes('://')
      ? await openServer(target, options, servers)
      : openFile(await storeFile(target, options), browser)
    const chosen = fileOptions.find((name) => options[name] !== undefined)
    if (chosen !== undefined) return await carry(store, chosen, options[chosen] ?? '', browser, output)
    if (options.check === true) return await checkStore(store.reader, output)
    if (options.follow === true) await follow(store.feed, options, ended.signal, output)
    else await show(store.reader, options, output)
    return exitCodes.ok
  } catch (error) {
    const fault = toErrorReport(error)
    output.error(fault)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    process.removeListener('SIGINT', stop)
    process.removeListener('SIGTERM', stop)
    await browser.dispose()
    await Promise.all(servers.map((server) => server.close()))
  }
}

async function show(reader: AsyncEventReader, options: EventsOptions, output: Output): Promise<void> {
  const filter = filterOf(options)
  let left = options.limit ?? Number.MAX_SAFE_INTEGER
  for (let after = options.after ?? 0, more = true; more && left > 0;) {
    const page = await reader.feed(after, filter, Math.min(pageEvents, left))
    for (const event of page.events) print(event, output)
    left -= page.events.length
    after = page.next
    more = page.more
  }
}

async function follow(
  feed: EventFeed,
  options: EventsOptions,
  signal: AbortSignal,
  output: Output,
): Promise<void> {
  let left = options.limit ?? Number.MAX_SAFE_INTEGER
  for await (const event of feed.subscribe(options.after ?? 0, filterOf(options), signal)) {
    print(event, output)
    left -= 1
    if (left <= 0) return
  }
}

function filterOf({ stream, type }: EventsOptions): { types?: readonly string[]; streamId?: string } {
  return {
    ...(stream === undefined ? {} : { streamId: stream }),
    ...(type === undefined || type.length === 0 ? {} : { types: type }),
  }
}

async function checkStore(reader: AsyncEventReader, output: Output): Promise<number> {
  const report = await reader.integrityCheck()
  const lines = [
    `${report.ok ? 'ok' : 'fail'}    ${report.streams} streams, ${report.events} events, last position ${report.lastPosition}`,
    ...report.problems.map(({ invariant, detail }) => `${invariant.padEnd(5)} ${detail}`),
    ...(report.more ? ['further problems are not listed'] : []),
  ]
  output.result(report, lines.join('\n'))
  return report.ok ? exitCodes.ok : exitCodes.moduleFailed
}

async function carry(
  store: OpenStore,
  what: (typeof fileOptions)[number],
  file: string,
  browser: EventBrowser,
  output: Output,
): Promise<number> {
  if (store.file === null) {
    throw new PaddockError('usage.invalid', `--${what} is for stores in a file; use the tools of the server.`)
  }
  const other = path.resolve(file)
  if (what === 'backup') {
    await browser.backup(store.file, other)
    output.result({ ok: true, backup: other }, `copied to ${other}`)
    return exitCodes.ok
  }
  const carried =
    what === 'export' ? await browser.export(store.file, other) : await browser.import(store.file, other)
  output.result(
    { ok: true, [what]: other, ...carried },
    `${what}ed ${carried.decisions} decisions, ${carried.events} events of ${carried.module}`,
  )
  return exitCodes.ok
}

function print(event: RecordedEvent, output: Output): void {
  const { payload, ...rest } = event
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const json = jsonOf(bytes)
  const shown = json === undefined ? { base64: bytes.toString('base64') } : { json }
  const text = json === undefined ? `${bytes.length} bytes` : JSON.stringify(json)
  output.line(
    'decider.event',
    { ...rest, payload: shown },
    `${event.position} ${event.streamId}@${event.revision} ${event.type} ${text}`,
  )
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    return undefined
  }
}

function openFile(file: string, browser: EventBrowser): OpenStore {
  return {
    reader: browser.store(file),
    feed: new FileFeed({ browser, path: file, clock: systemClock }),
    file,
  }
}

/** `nats://host:4222/<module>`. */
async function openServer(
  target: string,
  options: EventsOptions,
  servers: NatsEventStores[],
): Promise<OpenStore> {
  const at = target.lastIndexOf('/')
  const url = natsServersSchema.safeParse(target.slice(0, at))
  const module = target.slice(at + 1)
  if (!url.success || module === '') {
    throw new PaddockError('usage.invalid', `"${target}" is not of the form nats://host:port/module.`)
  }
  const server = new NatsEventStores({
    url: url.data,
    credentialsFile: options.credentials ?? null,
    nkeySeedFile: null,
    caFile: null,
    replicas: 1,
  })
  servers.push(server)
  const store: NatsEventStore = await server.existing(decodeURIComponent(module))
  return { reader: store, feed: new NatsFeed(store), file: null }
}

/** The store file named, or that of a bundle in the state directory. */
async function storeFile(target: string, options: EventsOptions): Promise<string> {
  const file = path.resolve(target)
  const isBundle = /\.(wasm|zip|tar|tgz|tar\.gz)$/.test(file) || (await isFolder(file))
  if (!isBundle) return file
  if (options.stateDir === undefined) {
    throw new PaddockError('usage.invalid', 'Where the store of a bundle is, --state-dir must say.')
  }
  const stateDir = path.resolve(options.stateDir)
  const { manifest } = await openBundle(file, { stateDir, knownCapabilities: knownCapabilities() })
  const memory = new DeciderMemory(path.join(stateDir, deciderMemoryFile), (fault) => {
    throw fault
  })
  await memory.open()
  const decider = memory.nameBroughtBy(manifest.name) ?? manifest.name
  return eventStoreFile(statePaths(stateDir).stores, decider)
}

async function isFolder(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isDirectory()
  } catch {
    return false
  }
}
