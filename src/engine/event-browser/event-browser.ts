/** Read-only browsing of event stores. One worker thread reads for all; it starts with the first request. */
import { RequestThread } from '../request-thread.ts'
import { readerMethods, type AsyncEventReader, type Carriage, type EventRequest } from './protocol.ts'

/** Requests that may wait for the thread. */
const maxPending = 1_024

type Unsent<T> = T extends unknown ? Omit<T, 'id'> : never

export class EventBrowser {
  private readonly thread: RequestThread

  /** `entry` is the built event reader thread, `out/main/event-reader.cjs`. */
  constructor(entry: string | URL) {
    this.thread = new RequestThread({ entry, client: 'event browser', thread: 'event reader', maxPending })
  }

  /** The store in a file. Every method of it throws `store.*`. */
  store(path: string): AsyncEventReader {
    const methods = readerMethods.map((method) => [
      method,
      (...args: unknown[]) => this.request({ path, method, args }),
    ])
    return Object.fromEntries(methods) as AsyncEventReader
  }

  /** The module whose streams a file holds, '' while there are none. Throws `store.*`. */
  async module(path: string): Promise<string> {
    return (await this.request({ path, method: 'module' })) as string
  }

  /** A text that changes whenever something was committed to the file. Throws `store.*`. */
  async changes(path: string): Promise<string> {
    return (await this.request({ path, method: 'changes' })) as string
  }

  /** Writes all events as NDJSON to `file`. Throws `store.*`. */
  async export(path: string, file: string): Promise<Carriage> {
    return (await this.request({ path, method: 'export', file })) as Carriage
  }

  /** Makes the store at `path` of the NDJSON in `file`; no store may be there. Throws `store.*`. */
  async import(path: string, file: string): Promise<Carriage> {
    return (await this.request({ path, method: 'import', file })) as Carriage
  }

  /** Copies the store to `file` while it may be written to. Throws `store.*`. */
  async backup(path: string, file: string): Promise<void> {
    await this.request({ path, method: 'backup', file })
  }

  /** Lets go of a file, for instance before it is deleted. */
  async close(path: string): Promise<void> {
    if (this.thread.isStarted) await this.request({ path, method: 'close' })
  }

  /** Ends the thread. Requests that wait fail with `store.io`. */
  dispose(): Promise<void> {
    return this.thread.dispose()
  }

  private request(request: Unsent<EventRequest>): Promise<unknown> {
    return this.thread.request(request)
  }
}
