/** The feed of an event store in a SQLite file, read on the event reader thread. */
import type { FeedFilter, RecordedEvent } from '../../../event-store/event-store.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Clock } from '../../clock.ts'
import type { EventBrowser } from '../../event-browser/event-browser.ts'
import type { EventFeed } from './event-feed.ts'

/** How often the file is asked for changes: a number that SQLite keeps in memory, a few microseconds. */
const lookMs = 50
const pageEvents = 256

export interface FileFeedOptions {
  readonly browser: EventBrowser
  readonly path: string
  readonly clock: Clock
}

export class FileFeed implements EventFeed {
  private readonly options: FileFeedOptions

  constructor(options: FileFeedOptions) {
    this.options = options
  }

  async *subscribe(
    after: number,
    filter: FeedFilter,
    signal: AbortSignal,
  ): AsyncIterableIterator<RecordedEvent> {
    const store = this.options.browser.store(this.options.path)
    let position = after
    while (!hasEnded(signal)) {
      // Looked at before the page: what is appended meanwhile changes it, and is read with the next page.
      const version = await this.version()
      if (version !== null) {
        const page = await store.feed(position, filter, pageEvents)
        for (const event of page.events) {
          if (hasEnded(signal)) return
          yield event
        }
        position = page.next
        if (page.more) continue
      }
      await this.changed(version, signal)
    }
  }

  async last(): Promise<number> {
    if ((await this.version()) === null) return 0
    return (await this.options.browser.store(this.options.path).totals()).lastPosition
  }

  private async changed(version: string | null, signal: AbortSignal): Promise<void> {
    while (!hasEnded(signal)) {
      await this.pause(signal)
      if (!hasEnded(signal) && (await this.version()) !== version) return
    }
  }

  /** Null while there is no store. */
  private async version(): Promise<string | null> {
    try {
      return await this.options.browser.changes(this.options.path)
    } catch (error) {
      if (error instanceof PaddockError && error.details?.['reason'] === 'missing') return null
      throw error
    }
  }

  private pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end)
        cancel()
        resolve()
      }
      const cancel = this.options.clock.after(lookMs, end)
      signal.addEventListener('abort', end)
    })
  }
}

/** Asked anew each time: it may end while something is waited for. */
function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted
}
