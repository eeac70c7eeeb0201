/** Keeps each element of a sink in a SQLite file of the flow, in order. */
import path from 'node:path'
import { PaddockError } from '../../../shared/errors.ts'
import { ThreadClient } from '../../capabilities/threads/thread-client.ts'
import type { Clock } from '../../clock.ts'
import type { SinkEnd, SinkEndContext } from './end.ts'
import { OrderedSink } from './ordered-sink.ts'
import type { FlowStoreOperations, FlowStoreThreadData } from './store/protocol.ts'

/** What one store keeps; the oldest elements make room. */
const bounds: FlowStoreThreadData = { maxElements: 10_000_000, maxBytes: 1024 ** 3 }
/** Elements of one transaction. */
const batchElements = 512

/** The stores of all flows of an engine; its thread starts with the first element. */
export class FlowStores {
  private readonly directory: string
  private readonly clock: Clock
  private readonly thread: ThreadClient<FlowStoreOperations>

  constructor(options: { readonly directory: string; readonly entry: string; readonly clock: Clock }) {
    this.directory = options.directory
    this.clock = options.clock
    this.thread = new ThreadClient({ entry: options.entry, data: bounds, title: 'The store of flows' })
  }

  /** Where a store of a flow is kept. */
  fileOf(flow: string, name: string): string {
    return path.join(this.directory, flow, `${name}.db`)
  }

  open(flow: string, name: string, context: SinkEndContext): SinkEnd {
    const file = this.fileOf(flow, name)
    return new OrderedSink({
      context,
      clock: this.clock,
      title: `The store ${name}`,
      batch: batchElements,
      write: async (elements) => {
        await this.thread.request('append', { file, elements, nowMs: this.clock.now() })
      },
      isPassing: (error) =>
        error instanceof PaddockError && (error.code === 'store.busy' || error.code === 'store.io'),
      finish: async () => {
        await this.thread.request('close', { file })
      },
    })
  }

  close(): Promise<void> {
    return this.thread.close()
  }
}
