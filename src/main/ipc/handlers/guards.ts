/** The console's calls about grants, accounts, signatures and the audit trail. */
import { dialog } from 'electron'
import { exportAudit } from '../../../engine/audit/export-audit.ts'
import { fitsAudit } from '../../../shared/domain/audit.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import type { HandlerContext } from './context.ts'

export function guardHandlers({
  engine,
  window,
}: HandlerContext): Pick<PaddockHandlers, 'capabilities' | 'identity' | 'audit'> {
  const { grants, identity, audit } = engine
  return {
    capabilities: {
      view: ({ name }) => grants.view(name),
      grant: ({ name, grant }) => grants.grant(name, grant),
      revoke: ({ name, grant }) => grants.revoke(name, grant),
      setApproval: ({ name, approval }) => grants.setApproval(name, approval),
    },
    identity: {
      list: () => identity.view(),
      create: async ({ passphrase }) => ({ address: await identity.create(passphrase) }),
      import: async ({ secret, passphrase }) => ({ address: await identity.import(secret, passphrase) }),
      unlock: ({ address, passphrase }) => identity.unlock(address, passphrase),
      lock: ({ address }) => identity.lock(address),
      remove: ({ address }) => identity.remove(address),
      approvals: () => identity.pendingApprovals(),
      watchApprovals: (_input, push) => {
        push([identity.pendingApprovals()], 0)
        return identity.onApprovals((approvals) => push([approvals], 0))
      },
      answer: ({ id, approve }) => identity.answer(id, approve),
    },
    audit: {
      query: ({ filter, before, limit }) => audit.query(definedFilter(filter), before, limit),
      watch: (filter, push) => {
        const wanted = definedFilter(filter)
        return audit.onRecord((entry) => {
          if (fitsAudit(entry, wanted)) push([entry], 0)
        })
      },
      export: async ({ filter }) => {
        const options = { title: 'Export audit trail', defaultPath: 'paddock-audit.ndjson' }
        const parent = window()
        const { filePath } = await (parent === null
          ? dialog.showSaveDialog(options)
          : dialog.showSaveDialog(parent, options))
        if (filePath === '') return null
        return { path: filePath, entries: await exportAudit(audit, definedFilter(filter), filePath) }
      },
    },
  }
}

function definedFilter<T extends object>(filter: T): T {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as T
}
