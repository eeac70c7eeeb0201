/** Everything in an engine that follows deciders' events. Caller disposes. */
import path from 'node:path'
import { eventStoreFile } from '../../../event-store/store-file.ts'
import type { EventStoreSection } from '../../../shared/domain/operator/stores.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { createEventStoreCapability } from '../../capabilities/event-store/event-store-capability.ts'
import { NatsEventStores } from '../../capabilities/event-store/nats-connection.ts'
import type { Capability } from '../../capabilities/capability.ts'
import type { Clock } from '../../clock.ts'
import { EventBrowser } from '../../event-browser/event-browser.ts'
import type { EventFeed } from './event-feed.ts'
import { FileFeed } from './file-feed.ts'
import { NatsFeed } from './nats-feed.ts'
import { ProjectionMemory, projectionMemoryFile } from './projection-memory.ts'
import { Projection, type ProjectionOptions, type ProjectionView } from './projection.ts'

export type FollowOptions = Omit<ProjectionOptions, 'feed' | 'clock' | 'memory'>

export interface DeciderEventSource {
  /** From now on the sandbox of `module` reaches the streams of this decider and of no other; of none with null. */
  bind(module: string, decider: string | null): void
  /** Begins to follow a decider. The caller closes it. */
  follow(options: FollowOptions): Projection
}

export interface DeciderEventsOptions {
  /** The built event reader thread, `out/main/event-reader.cjs`. */
  readonly entry: string | URL
  readonly storesDirectory: string
  readonly clock: Clock
  /** Where events are kept; what is set when the engine starts holds until it ends. */
  readonly section: () => EventStoreSection
}

export class DeciderEvents implements DeciderEventSource {
  /** Browses event stores in files. */
  readonly browser: EventBrowser
  /** The way of guest threads to the event server. */
  readonly capability: Capability
  private readonly options: DeciderEventsOptions
  private servers: NatsEventStores | undefined
  private readonly memory: ProjectionMemory
  private readonly followed = new Set<Projection>()
  /** Names of the deciders that are open, by module. */
  private readonly bound = new Map<string, string>()

  constructor(options: DeciderEventsOptions) {
    this.options = options
    this.memory = new ProjectionMemory(path.join(path.dirname(options.storesDirectory), projectionMemoryFile))
    this.browser = new EventBrowser(options.entry)
    this.capability = createEventStoreCapability({
      deciderOf: (module) => this.bound.get(module),
      storeOf: (decider, { record }) => this.server().of(decider, record.limits.storeBytes ?? null),
    })
  }

  bind(module: string, decider: string | null): void {
    if (decider === null) this.bound.delete(module)
    else this.bound.set(module, decider)
  }

  follow(options: FollowOptions): Projection {
    for (const other of this.followed) if (other.view().state === 'closed') this.followed.delete(other)
    const projection = new Projection({
      ...options,
      clock: this.options.clock,
      memory: this.memory,
      feed: () => this.feed(options.decider),
    })
    this.followed.add(projection)
    return projection
  }

  /** Every projection that is open. */
  projections(): ProjectionView[] {
    return [...this.followed].map((projection) => projection.view()).filter(({ state }) => state !== 'closed')
  }

  /** Tells the event at which a projection stopped again. Throws `module.unknown` when none has stopped. */
  retry(module: string, source: string): void {
    if (!this.find(module, source).some((projection) => projection.retry())) throw notStopped(module)
  }

  /** Goes on behind the event at which a projection stopped. Throws `module.unknown` when none has stopped. */
  skip(module: string, source: string): void {
    if (!this.find(module, source).some((projection) => projection.skip())) throw notStopped(module)
  }

  /** Ends every projection, the thread and the connection. Never rejects. */
  async dispose(): Promise<void> {
    for (const projection of this.followed) projection.close()
    this.followed.clear()
    await this.memory.flush()
    await this.browser.dispose()
    await this.servers?.close()
  }

  private async feed(decider: string): Promise<EventFeed> {
    const { storesDirectory: directory, clock, section } = this.options
    if (section().kind === 'nats') return new NatsFeed(await this.server().of(decider, null))
    return new FileFeed({ browser: this.browser, path: eventStoreFile(directory, decider), clock })
  }

  private server(): NatsEventStores {
    if (this.servers !== undefined) return this.servers
    const { kind, url, credentialsFile, nkeySeedFile, caFile, replicas } = this.options.section()
    if (kind !== 'nats' || url === null) {
      throw new PaddockError('store.unavailable', 'No event server is set.')
    }
    this.servers = new NatsEventStores({ url, credentialsFile, nkeySeedFile, caFile, replicas })
    return this.servers
  }

  private find(module: string, source: string): Projection[] {
    return [...this.followed].filter((projection) => {
      const view = projection.view()
      return view.module === module && view.source === source
    })
  }
}

function notStopped(module: string): PaddockError {
  return new PaddockError('module.unknown', `No projection of ${module} has stopped there.`, {
    remedy: 'Look at the projections of the module.',
  })
}
