/** Inspected bundles that wait for the operator's word; bounded, the oldest forgotten first. */
import { randomUUID } from 'node:crypto'
import type { InstallRequest } from '../../shared/domain/module.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { LoadedBundle } from './loader.ts'

const maxPending = 64

export interface PendingInstall {
  readonly loaded: LoadedBundle
  readonly request: InstallRequest
}

export class PendingInstalls {
  private readonly waiting = new Map<string, PendingInstall>()

  add(loaded: LoadedBundle, description: Omit<InstallRequest, 'requestId'>): InstallRequest {
    const request: InstallRequest = { ...description, requestId: randomUUID() }
    this.waiting.set(request.requestId, { loaded, request })
    const [oldest] = this.waiting.keys()
    if (this.waiting.size > maxPending && oldest !== undefined) this.waiting.delete(oldest)
    return request
  }

  /** Throws `module.unknown` when it was answered, discarded or forgotten. */
  get(requestId: string): PendingInstall {
    const pending = this.waiting.get(requestId)
    if (pending === undefined) {
      throw new PaddockError('module.unknown', 'This request was answered already.', {
        remedy: 'Load the bundle again.',
      })
    }
    return pending
  }

  remove(requestId: string): void {
    this.waiting.delete(requestId)
  }
}
