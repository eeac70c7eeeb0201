/** The console's calls about tools, their calls, the server of tools and secrets. */
import { clipboard, shell, type BrowserWindow } from 'electron'
import type { ToolCallLine, ToolCallView, ToolServerFacts } from '../../../shared/domain/tool.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import type { HandlerContext } from './context.ts'

export function toolHandlers({
  engine,
  settings,
  window,
}: HandlerContext): Pick<PaddockHandlers, 'tools' | 'secrets'> {
  const { contracts, toolServer } = engine
  const { tools } = contracts
  const serverFacts = (): ToolServerFacts => {
    const { server, port } = settings.get().operator.tools
    return { enabled: server, port, ...toolServer.view }
  }
  return {
    tools: {
      list: () => tools.list(),
      watch: (_input, push) => {
        push([tools.list()], 0)
        return tools.onDidChange(() => push([tools.list()], 0))
      },
      call: ({ operation, params, confirmed }) => {
        const gone = whenGone(window())
        const request = { operation, params, confirmed, caller: 'console' as const, signal: gone.signal }
        try {
          const { id, done } = tools.begin(request)
          void done.catch(() => undefined).finally(gone.forget)
          return { id }
        } catch (error) {
          gone.forget()
          throw error
        }
      },
      cancel: ({ id }) => tools.cancel(id),
      history: ({ module, before, limit }) =>
        tools
          .history({
            limit,
            ...(module === null ? {} : { module }),
            ...(before === null ? {} : { before }),
          })
          .map(lineOf),
      watchCalls: (_input, push) => tools.onCall((call) => push([lineOf(call)], 0)),
      view: ({ id }) => tools.view(id) ?? null,
      copyOutput: async ({ id }) => {
        const outcome = tools.view(id)?.outcome
        if (outcome?.ok !== true) return false
        await clipboard.writeText(outcome.output)
        return true
      },
      setPermission: ({ name, operation, permission }) => tools.setPermission(name, operation, permission),
      server: serverFacts,
      setServer: async ({ enabled }) => {
        const current = settings.get()
        const section = { ...current.operator.tools, server: enabled }
        settings.set({ ...current, operator: { ...current.operator, tools: section } })
        await toolServer.apply(section)
        return serverFacts()
      },
      revealToken: () => shell.showItemInFolder(toolServer.view.tokenFile),
    },
    secrets: {
      list: () => tools.secrets(),
      set: async ({ name, value }) => {
        try {
          await tools.setSecret(name, value)
        } finally {
          value.fill(0)
        }
      },
      remove: ({ name }) => tools.removeSecret(name),
      grant: ({ name, secret, hosts }) => tools.grantSecret(name, secret, hosts),
    },
  }
}

/** A caller whose window closes or crashes has left (spec tools 10). */
function whenGone(window: BrowserWindow | null): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController()
  const leave = (): void => controller.abort()
  const contents = window?.webContents
  contents?.once('destroyed', leave)
  contents?.once('render-process-gone', leave)
  return {
    signal: controller.signal,
    forget: () => {
      contents?.off('destroyed', leave)
      contents?.off('render-process-gone', leave)
    },
  }
}

function lineOf({ outcome, usage, ...call }: ToolCallView): ToolCallLine {
  const { id, module, operation, caller, startedAt, state } = call
  const end =
    outcome === null
      ? null
      : outcome.ok
        ? { ok: true, kind: null, code: null, outputBytes: usage.outputBytes }
        : { ok: false, kind: outcome.failure.kind, code: outcome.failure.code, outputBytes: 0 }
  return { id, module, operation, caller, startedAt, state, end, wallMs: usage.wallMs }
}
