import type { Ask, InstallRequest } from '../../shared/domain/module.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'
import { baseName } from '../format/identity.ts'
import type { ToastState } from './toasts.svelte.ts'

export interface Progress {
  readonly step: string
  /** 0 to 1, or null when the end is not known. */
  readonly fraction: number | null
}

export type InstallPhase =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'inspecting'
      readonly path: string
      readonly startedAt: number
      readonly progress: Progress | null
    }
  | { readonly kind: 'review'; readonly request: InstallRequest; readonly error: ErrorReport | null }
  | { readonly kind: 'installing'; readonly request: InstallRequest; readonly progress: Progress | null }
  | { readonly kind: 'failed'; readonly path: string; readonly error: ErrorReport }

/** What starts granted: everything but what is risky and can be refused. */
export function startsGranted(ask: Ask): boolean {
  return ask.harmless || ask.required || !ask.risky
}

/** Risky asks first, then the rest; the harmless ones, which nobody can refuse, apart. */
export function sortAsks(asks: readonly Ask[]): { risky: Ask[]; usual: Ask[]; harmless: Ask[] } {
  return {
    risky: asks.filter((ask) => ask.risky && !ask.harmless),
    usual: asks.filter((ask) => !ask.risky && !ask.harmless),
    harmless: asks.filter((ask) => ask.harmless),
  }
}

/** From a path to an installed module: inspect, show what it asks, accept or discard. One at a time, in order. */
export class InstallFlow {
  phase = $state.raw<InstallPhase>({ kind: 'idle' })
  /** Paths that wait for their turn. */
  waiting = $state.raw<readonly string[]>([])
  granted = $state.raw<ReadonlySet<string>>(new Set())

  readonly #client: PaddockClient
  readonly #toasts: ToastState
  #token = ''
  #serial = 0

  constructor(client: PaddockClient, toasts: ToastState) {
    this.#client = client
    this.#toasts = toasts
  }

  start(): () => void {
    const stops = [
      this.#client.modules.progress((report) => this.#onProgress(report)),
      this.#client.modules.offered(({ path }) => this.offer([path])),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** Takes bundles into review, one after the other. */
  offer(paths: readonly string[]): void {
    this.waiting = [...this.waiting, ...paths.filter((path) => !this.waiting.includes(path))]
    if (this.phase.kind === 'idle') this.#next()
  }

  /** Shows the system's dialog, then reviews what was chosen. */
  async pick(kind: 'folder' | 'file'): Promise<void> {
    try {
      const path = await this.#client.modules.pick({ kind })
      if (path !== null) this.offer([path])
    } catch (thrown) {
      this.#toasts.failed('Nothing could be chosen', toErrorReport(thrown))
    }
  }

  /** Reviews the bundle of a module that waits for consent. */
  async reviewPending(name: string): Promise<void> {
    try {
      const request = await this.#client.modules.pending({ name })
      if (request === null) this.#toasts.done(`${name} no longer waits for consent`)
      else if (this.phase.kind === 'idle') this.#review(request)
    } catch (thrown) {
      this.#toasts.failed(`${name} cannot be reviewed`, toErrorReport(thrown))
    }
  }

  setGranted(capability: string, on: boolean): void {
    const next = new Set(this.granted)
    if (on) next.add(capability)
    else next.delete(capability)
    this.granted = next
  }

  /** Installs with what is granted now. */
  async install(start: boolean): Promise<void> {
    if (this.phase.kind !== 'review') return
    const { request } = this.phase
    this.phase = { kind: 'installing', request, progress: null }
    try {
      const { name } = await this.#client.modules.install({
        requestId: request.requestId,
        granted: [...this.granted],
        start,
      })
      this.#toasts.done(start ? `${name} installed and starting` : `${name} installed, stopped`)
      this.#next()
    } catch (thrown) {
      this.phase = { kind: 'review', request, error: toErrorReport(thrown) }
    }
  }

  /** The harmless way out of every phase: nothing is installed, nothing runs. */
  async dismiss(): Promise<void> {
    const { phase } = this
    if (phase.kind === 'installing') return
    const token = this.#token
    this.#token = ''
    this.#next()
    try {
      if (phase.kind === 'inspecting') await this.#client.modules.cancel({ token })
      if (phase.kind === 'review') await this.#client.modules.discard({ requestId: phase.request.requestId })
    } catch (thrown) {
      this.#toasts.failed('The bundle could not be put away', toErrorReport(thrown))
    }
  }

  /** Inspects a path again after it failed. */
  retry(): void {
    if (this.phase.kind === 'failed') void this.#inspect(this.phase.path)
  }

  #next(): void {
    const [path, ...rest] = this.waiting
    this.waiting = rest
    if (path === undefined) this.phase = { kind: 'idle' }
    else void this.#inspect(path)
  }

  async #inspect(path: string): Promise<void> {
    this.#serial += 1
    const token = `${Date.now().toString(36)}-${this.#serial}`
    this.#token = token
    this.phase = { kind: 'inspecting', path, startedAt: Date.now(), progress: null }
    try {
      const request = await this.#client.modules.inspect({ path, token })
      // Cancelled meanwhile: main still answers, and then nobody wants it.
      if (this.#token === token) this.#review(request)
      else await this.#client.modules.discard({ requestId: request.requestId })
    } catch (thrown) {
      if (this.#token === token) this.phase = { kind: 'failed', path, error: toErrorReport(thrown) }
    }
  }

  #review(request: InstallRequest): void {
    this.granted = new Set(request.asks.filter(startsGranted).map((ask) => ask.capability))
    this.phase = { kind: 'review', request, error: null }
  }

  #onProgress(report: Progress & { readonly token: string }): void {
    const progress = { step: report.step, fraction: report.fraction }
    if (this.phase.kind === 'inspecting' && report.token === this.#token)
      this.phase = { ...this.phase, progress }
    if (this.phase.kind === 'installing') this.phase = { ...this.phase, progress }
  }
}

/** What a bundle is called before its manifest is read. */
export function bundleLabel(path: string): string {
  return baseName(path)
}
