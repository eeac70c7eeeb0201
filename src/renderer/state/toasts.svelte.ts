import type { ErrorReport } from '../../shared/errors.ts'

export interface Toast {
  readonly id: number
  readonly text: string
  /** Set when what was just done failed; such a toast stays until it is closed. */
  readonly error: ErrorReport | null
}

const shownMs = 4_000
const maxToasts = 4

/** Answers to what the operator just did, and nothing else. */
export class ToastState {
  list = $state.raw<readonly Toast[]>([])
  #nextId = 1

  done(text: string): void {
    const id = this.#add(text, null)
    window.setTimeout(() => this.close(id), shownMs)
  }

  failed(text: string, error: ErrorReport): void {
    this.#add(text, error)
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }

  #add(text: string, error: ErrorReport | null): number {
    const id = this.#nextId++
    this.list = [...this.list, { id, text, error }].slice(-maxToasts)
    return id
  }
}
