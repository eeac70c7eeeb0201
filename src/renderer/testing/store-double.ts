import { PaddockError } from '../../shared/errors.ts'
import type { PaddockHandlers } from '../../shared/ipc/schema.ts'

export interface StoreDoubleOptions {
  readonly store: Map<string, Uint8Array>
  /** The path that a dialog answers; null when it is cancelled. */
  readonly picked: () => string | null
  readonly note: (call: string, input: unknown) => void
  /** Throws `module.unknown`. */
  readonly state: (name: string) => string
}

/** The console's calls about one store in memory, the same for all modules. */
export function storeDouble(options: StoreDoubleOptions): PaddockHandlers['store'] {
  const { store, note } = options
  const size = ([key, value]: readonly [string, Uint8Array]): number => key.length + value.length
  const usedBytes = (): number => [...store].reduce((sum, entry) => sum + size(entry), 0)
  const carried = (): { entries: number; usedBytes: number } => ({
    entries: store.size,
    usedBytes: usedBytes(),
  })
  const refuseRunning = (name: string): void => {
    if (options.state(name) === 'stopped') return
    throw new PaddockError('module.must_stop', `${name} runs; its store is changed only while it does not.`)
  }
  return {
    keys: ({ prefix, after, limit }) => {
      const all = [...store].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
      const rest = all.filter(([key]) => after === null || key > after)
      return {
        entries: rest.slice(0, limit).map((entry) => ({ key: entry[0], sizeBytes: size(entry) })),
        more: rest.length > limit,
        total: all.length,
        usedBytes: usedBytes(),
      }
    },
    value: ({ key }) => {
      const value = store.get(key)
      return value === undefined ? null : { sizeBytes: value.length, head: value.subarray(0, 65_536) }
    },
    pickTarget: () => options.picked(),
    pickSource: () => options.picked(),
    export: (input) => {
      note('store.export', input)
      return carried()
    },
    backup: (input) => {
      note('store.backup', input)
      return carried()
    },
    import: (input) => {
      note('store.import', input)
      refuseRunning(input.name)
      store.set('imported', new Uint8Array(4))
      return carried()
    },
    compact: (input) => {
      note('store.compact', input)
      refuseRunning(input.name)
      return { before: 65_536, after: 16_384 }
    },
    purge: (input) => {
      note('store.purge', input)
      refuseRunning(input.name)
      store.clear()
    },
  }
}
