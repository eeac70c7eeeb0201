/** Queries for modules by their names (spec nexum-host 9). */
import { maxQueryBytes, type QueryAnswer } from '../../../shared/contracts/query-module.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { QueryQueue } from './query-queue.ts'

export class QueryService {
  private readonly queues = new Map<string, QueryQueue>()

  /** The queue of a module that runs or begins to; one of the version before is forgotten. */
  register(queue: QueryQueue): void {
    const before = this.queues.get(queue.name)
    this.queues.set(queue.name, queue)
    if (before !== queue) before?.close()
  }

  unregister(queue: QueryQueue): void {
    if (this.queues.get(queue.name) === queue) this.queues.delete(queue.name)
  }

  /** Whether the module answers queries now. */
  answers(module: string): boolean {
    return this.queues.has(module)
  }

  /**
   * Asks a module. Its own error is an answer. Rejects with `query.too_large`, `module.not_running` (also for one
   * that answers no queries), `module.busy`, and `sandbox.*` where the instance died of the query.
   */
  async ask(module: string, input: Uint8Array): Promise<QueryAnswer> {
    if (input.length > maxQueryBytes) {
      throw new PaddockError(
        'query.too_large',
        `The query has ${input.length} bytes; at most ${maxQueryBytes} are allowed.`,
      )
    }
    const queue = this.queues.get(module)
    if (queue === undefined) {
      throw new PaddockError('module.not_running', `${module} is not running, or answers no queries.`)
    }
    return queue.ask(input)
  }
}
