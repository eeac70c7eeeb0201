/** Queries for modules by their names (spec nexum-host 9). */
import { maxQueryBytes, type QueryAnswer } from '../../../shared/contracts/query-module.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { QueryHost } from './query-host.ts'

export class QueryService {
  private readonly hosts = new Map<string, QueryHost>()

  /** The host of a module that runs or begins to; one of the version before is forgotten. */
  register(host: QueryHost): void {
    const before = this.hosts.get(host.name)
    this.hosts.set(host.name, host)
    if (before !== host) before?.close()
  }

  unregister(host: QueryHost): void {
    if (this.hosts.get(host.name) === host) this.hosts.delete(host.name)
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
    const host = this.hosts.get(module)
    if (host === undefined) {
      throw new PaddockError('module.not_running', `${module} is not running, or answers no queries.`)
    }
    return host.ask(input)
  }
}
