/**
 * Names and kinds of everything in the IPC schema, without the schemas themselves, so that the
 * preload script stays small. The type makes a missing, extra or wrong entry a compile error.
 */
import type { IpcSchema } from './define.ts'
import type { PaddockIpc } from './schema.ts'

type Surface<S extends IpcSchema> = {
  readonly [G in keyof S]: { readonly [K in keyof S[G]]: S[G][K]['kind'] }
}

export const ipcSurface: Surface<PaddockIpc> = {
  app: { info: 'call', copyText: 'call', revealStateDir: 'call', leaveSafeMode: 'call' },
  preferences: { get: 'call', set: 'call' },
  state: { snapshot: 'call', changed: 'event', series: 'call', dismissNotice: 'call' },
  modules: {
    pick: 'call',
    inspect: 'call',
    cancel: 'call',
    progress: 'event',
    install: 'call',
    discard: 'call',
    pending: 'call',
    start: 'call',
    stop: 'call',
    restart: 'call',
    revive: 'call',
    disable: 'call',
    quarantine: 'call',
    limitBounds: 'call',
    setLimits: 'call',
    reload: 'call',
    remove: 'call',
    dispatches: 'call',
    watchDispatches: 'stream',
    query: 'call',
    watchFolder: 'call',
    unwatchFolder: 'call',
    offered: 'event',
  },
  actors: {
    list: 'call',
    request: 'call',
    sleep: 'call',
    destroy: 'call',
    tables: 'call',
    rows: 'call',
    query: 'call',
    info: 'call',
    pickTarget: 'call',
    pickSource: 'call',
    backup: 'call',
    export: 'call',
    import: 'call',
  },
  capabilities: { view: 'call', grant: 'call', revoke: 'call', setApproval: 'call' },
  identity: {
    list: 'call',
    create: 'call',
    import: 'call',
    unlock: 'call',
    lock: 'call',
    remove: 'call',
    approvals: 'call',
    watchApprovals: 'stream',
    answer: 'call',
  },
  audit: { query: 'call' },
  store: { keys: 'call', value: 'call' },
  logs: { query: 'call', tail: 'stream' },
  chains: { save: 'call', remove: 'call', test: 'call' },
  devnet: { start: 'call', stop: 'call' },
  console: { fault: 'call' },
}
