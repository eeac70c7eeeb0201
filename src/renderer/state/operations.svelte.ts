import { SvelteSet } from 'svelte/reactivity'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'
import { count } from '../format/numbers.ts'
import type { ToastState } from './toasts.svelte.ts'

export type ModuleVerb = 'start' | 'revive' | 'stop' | 'restart'

const done: Record<ModuleVerb, string> = {
  start: 'started',
  revive: 'revived',
  stop: 'stopped',
  restart: 'restarted',
}

/** What the operator does: each call once at a time, its outcome told in a toast. */
export class Operations {
  /** Modules whose removal is being asked about; empty when no such dialog is open. */
  removing = $state.raw<readonly string[]>([])
  readonly #busy = new SvelteSet<string>()
  readonly #client: PaddockClient
  readonly #toasts: ToastState

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  /** Whether an operation on a subject is under way: a module's name, `devnet`, or a chain's id. */
  busy(subject: string): boolean {
    return this.#busy.has(subject)
  }

  start(name: string): Promise<void> {
    return this.#onModules('start', [name])
  }

  /** Starts a dead module with its failures forgotten. */
  revive(name: string): Promise<void> {
    return this.#onModules('revive', [name])
  }

  /** Ends a quarantine; the module stays stopped, also when the engine starts. */
  async disable(name: string): Promise<void> {
    await this.#run(name, `${name} could not be disabled`, async () => {
      await this.#client.modules.disable({ name })
      this.#toasts.done(`${name} disabled; it stays stopped until you start it`)
    })
  }

  stop(name: string): Promise<void> {
    return this.#onModules('stop', [name])
  }

  restart(name: string): Promise<void> {
    return this.#onModules('restart', [name])
  }

  /** One verb on several modules, told once. */
  bulk(verb: ModuleVerb, names: readonly string[]): Promise<void> {
    return this.#onModules(verb, names)
  }

  async reload(name: string): Promise<void> {
    await this.#run(name, `${name} could not be reloaded`, async () => {
      const { changed, consentNeeded } = await this.#client.modules.reload({ name })
      if (consentNeeded) this.#toasts.done(`${name} changed and asks for more; review it first`)
      else this.#toasts.done(changed ? `${name} reloaded, its state kept` : `${name} is unchanged on disk`)
    })
  }

  /** Asks first; `confirmRemoval` then does it. */
  askRemoval(names: readonly string[]): void {
    this.removing = names
  }

  async confirmRemoval(purgeStore: boolean): Promise<void> {
    const names = this.removing
    this.removing = []
    const removed: string[] = []
    for (const name of names) {
      const ok = await this.#run(name, `${name} could not be removed`, () =>
        this.#client.modules.remove({ name, purgeStore }),
      )
      if (ok) removed.push(name)
    }
    if (removed.length > 0) this.#toasts.done(`${this.#named(removed)} removed`)
  }

  /** Starts what should run after a start in safe mode. */
  async leaveSafeMode(): Promise<void> {
    await this.#run('safe mode', 'The modules could not be started', async () => {
      await this.#client.app.leaveSafeMode()
      this.#toasts.done('Modules starting')
    })
  }

  async startDevnet(): Promise<void> {
    await this.#run('devnet', 'The local devnet could not be started', async () => {
      await this.#client.devnet.start()
    })
  }

  async stopDevnet(): Promise<void> {
    await this.#run('devnet', 'The local devnet could not be stopped', async () => {
      await this.#client.devnet.stop()
    })
  }

  async dismiss(id: string): Promise<void> {
    await this.#run(`notice ${id}`, 'The notice could not be dismissed', () =>
      this.#client.state.dismissNotice({ id }),
    )
  }

  async copy(text: string, what: string): Promise<void> {
    await this.#run('copy', `${what} could not be copied`, async () => {
      await this.#client.app.copyText({ text })
      this.#toasts.done(`${what} copied`)
    })
  }

  /** Everything about an error that a report needs. */
  copyError(error: ErrorReport): Promise<void> {
    return this.copy(JSON.stringify(error, null, 2), 'Details')
  }

  async revealStateDir(): Promise<void> {
    await this.#run('reveal', 'The state directory could not be opened', () =>
      this.#client.app.revealStateDir(),
    )
  }

  async addWatchFolder(): Promise<void> {
    await this.#run('watch-folder', 'The folder cannot be watched', async () => {
      const path = await this.#client.modules.pick({ kind: 'folder' })
      if (path === null) return
      await this.#client.modules.watchFolder({ path })
      this.#toasts.done('Folder watched; bundles in it load when they change')
    })
  }

  async removeWatchFolder(path: string): Promise<void> {
    await this.#run('watch-folder', 'The folder is still watched', async () => {
      await this.#client.modules.unwatchFolder({ path })
      this.#toasts.done('Folder no longer watched; its modules stay loaded')
    })
  }

  async #onModules(verb: ModuleVerb, names: readonly string[]): Promise<void> {
    const outcomes = await Promise.all(
      names.map((name) =>
        this.#run(name, `${name} could not be ${done[verb]}`, () => this.#client.modules[verb]({ name })),
      ),
    )
    const succeeded = names.filter((_, index) => outcomes[index])
    if (succeeded.length > 0) this.#toasts.done(`${this.#named(succeeded)} ${done[verb]}`)
  }

  #named(names: readonly string[]): string {
    return names.length === 1 ? (names[0] ?? '') : count(names.length, 'module')
  }

  async #run(subject: string, failure: string, work: () => Promise<unknown>): Promise<boolean> {
    if (this.#busy.has(subject)) return false
    this.#busy.add(subject)
    try {
      await work()
      return true
    } catch (thrown) {
      this.#toasts.failed(failure, toErrorReport(thrown))
      return false
    } finally {
      this.#busy.delete(subject)
    }
  }
}
