/** One connection to the event server for all modules, made when it is first needed. */
import { readFile } from 'node:fs/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import {
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node'
import { PaddockError } from '../../../shared/errors.ts'
import { NatsEventStore } from './nats-event-store.ts'
import { Server } from './server.ts'
import { Subjects } from './subjects.ts'

export interface NatsSettings {
  /** `nats://` or `tls://`, with more servers of the same cluster behind commas. */
  readonly url: string
  /** File of user credentials (`.creds`), or null. */
  readonly credentialsFile: string | null
  /** File of an nkey seed, or null. */
  readonly nkeySeedFile: string | null
  /** File of the authority that signed the server's certificate, or null for the system's. */
  readonly caFile: string | null
  /** Copies of each stream in a cluster: 1, 3 or 5. */
  readonly replicas: number
  /** How long one request may stay without an answer; 5 s unless said. */
  readonly requestTimeoutMs?: number
}

const connectTimeoutMs = 5_000
const defaultTimeoutMs = 5_000

export class NatsEventStores {
  private readonly settings: NatsSettings
  private connection: Promise<NatsConnection> | undefined
  private readonly stores = new Map<string, Promise<NatsEventStore>>()
  private isClosed = false
  /** The connection was lost and is not back yet: nothing is worth waiting for. */
  private isAway = false

  constructor(settings: NatsSettings) {
    this.settings = settings
  }

  /** The store of one module, made on the server unless it is there. Throws `store.unavailable`, `store.io`. */
  async of(module: string, quotaBytes: number | null): Promise<NatsEventStore> {
    if (this.isAway) throw new PaddockError('store.unavailable', 'The event server is away.')
    const known = this.stores.get(module)
    if (known !== undefined) return known
    const opened = this.open(module, quotaBytes)
    this.stores.set(module, opened)
    // A failure is not kept: the server may be back at the next call.
    opened.catch(() => this.stores.delete(module))
    return opened
  }

  /** The store of one module to look at; nothing is made. Throws `store.open_failed` when there is none. */
  async existing(module: string): Promise<NatsEventStore> {
    const { server, store } = await this.joined(module, null)
    if (await server.isPrepared()) return store
    throw new PaddockError('store.open_failed', `The event server has no events of ${module}.`, {
      remedy: 'Check the name of the module.',
      details: { reason: 'missing' },
    })
  }

  /** Writes what waits and closes the connection. Never rejects. */
  async close(): Promise<void> {
    this.isClosed = true
    const stores = await Promise.allSettled(this.stores.values())
    await Promise.all(
      stores.map((store) => (store.status === 'fulfilled' ? store.value.close() : Promise.resolve())),
    )
    const connection = await this.connection?.catch(() => undefined)
    await connection?.close().catch(() => undefined)
  }

  private async open(module: string, quotaBytes: number | null): Promise<NatsEventStore> {
    const { server, store } = await this.joined(module, quotaBytes)
    await server.prepare()
    return store
  }

  private async joined(
    module: string,
    quotaBytes: number | null,
  ): Promise<{ readonly server: Server; readonly store: NatsEventStore }> {
    const { requestTimeoutMs = defaultTimeoutMs, replicas } = this.settings
    const connection = await this.connected()
    const subjects = new Subjects(module)
    const server = new Server({
      connection,
      client: jetstream(connection, { timeout: requestTimeoutMs }),
      manager: await jetstreamManager(connection, { checkAPI: false, timeout: requestTimeoutMs }),
      subjects,
      quotaBytes,
      replicas,
    })
    return { server, store: new NatsEventStore({ server, subjects, publishTimeoutMs: requestTimeoutMs }) }
  }

  private connected(): Promise<NatsConnection> {
    if (this.isClosed) throw new PaddockError('store.unavailable', 'Paddock is stopping.')
    this.connection ??= this.dial().catch((error: unknown) => {
      this.connection = undefined
      throw error
    })
    return this.connection
  }

  /** Learns that the server goes and comes back, until the connection is closed. */
  private async watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.isAway = true
      else if (type === 'reconnect') this.isAway = false
    }
  }

  private async dial(): Promise<NatsConnection> {
    const { url, credentialsFile, nkeySeedFile, caFile } = this.settings
    const options: NodeConnectionOptions = {
      servers: url.split(',').map((part) => part.trim()),
      name: 'paddock',
      timeout: connectTimeoutMs,
      // It comes back by itself; meanwhile every call fails in its own time.
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
    }
    if (credentialsFile !== null) {
      options.authenticator = credsAuthenticator(await secretFile(credentialsFile))
    } else if (nkeySeedFile !== null) {
      const seed = Buffer.from(await secretFile(nkeySeedFile))
      options.authenticator = nkeyAuthenticator(Buffer.from(seed.toString('utf8').trim(), 'utf8'))
    }
    if (caFile !== null) options.tls = { caFile }
    try {
      const connection = await connect(options)
      void this.watch(connection).catch(() => undefined)
      return connection
    } catch (cause) {
      throw new PaddockError('store.unavailable', 'The event server cannot be reached.', { cause })
    }
  }
}

async function secretFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new PaddockError('store.unavailable', 'A credentials file of the event server cannot be read.', {
      remedy: 'Correct the path in the section stores.event.',
      cause,
    })
  }
}
