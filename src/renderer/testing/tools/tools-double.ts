/** Tools in memory: calls that go through their states, permissions, secrets that can be set but not read, and a server. */
import type { SecretView, ToolCallLine, ToolCallView, ToolView } from '../../../shared/domain/tool.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import { sampleCall, sampleSecret, sampleTools } from './sample-tools.ts'

type Push<T> = (items: readonly T[], dropped: number) => void

export class ToolsDouble {
  tools: ToolView[] = sampleTools()
  /** Newest first. */
  calls: ToolCallView[] = []
  readonly secrets = new Map<string, SecretView>([
    [
      'github_token',
      sampleSecret('github_token', { grants: [{ module: 'github-tool', hosts: ['api.github.com'] }] }),
    ],
  ])
  /** What was asked, without the values of secrets. */
  readonly asked: { readonly call: string; readonly input: unknown }[] = []
  /** Lengths of values that were set. */
  readonly valuesSet: { readonly name: string; readonly bytes: readonly number[] }[] = []
  server = {
    enabled: false,
    port: 7_415,
    url: null as string | null,
    tokenFile: '/home/ops/paddock/tool-token',
  }
  /** What a call answers; running until told where it is null. */
  answer: ((operation: string, params: string) => Partial<ToolCallView>) | null = () => ({})
  refuseSet: PaddockError | null = null
  private next = 1
  private readonly watches = new Set<Push<ToolView[]>>()
  private readonly callWatches = new Set<Push<ToolCallLine>>()

  /** Tells of the tools as they are. */
  tell(): void {
    for (const push of this.watches) push([this.tools], 0)
  }

  setTool(module: string, change: Partial<ToolView>): void {
    this.tools = this.tools.map((tool) => (tool.module === module ? { ...tool, ...change } : tool))
    this.tell()
  }

  /** A call as it is now, new or changed. */
  put(call: ToolCallView): void {
    const known = this.calls.some(({ id }) => id === call.id)
    this.calls = known ? this.calls.map((each) => (each.id === call.id ? call : each)) : [call, ...this.calls]
    for (const push of this.callWatches) push([lineOf(call)], 0)
  }

  handlers(): Pick<PaddockHandlers, 'tools' | 'secrets'> {
    return {
      tools: {
        list: () => this.tools,
        watch: (_input, push) => {
          this.watches.add(push)
          push([this.tools], 0)
          return () => void this.watches.delete(push)
        },
        call: (input) => {
          this.asked.push({ call: 'call', input })
          const tool = this.tools.find(({ operations }) =>
            operations.some(({ id }) => id === input.operation),
          )
          if (tool === undefined || tool.state === 'stopped')
            throw new PaddockError('tool.unknown_operation', 'No tool that runs has it.')
          return { id: this.begin(tool.module, input.operation, input.params) }
        },
        cancel: ({ id }) => {
          this.asked.push({ call: 'cancel', input: id })
          const call = this.calls.find((each) => each.id === id)
          if (call === undefined || call.state === 'settled') return false
          this.put({
            ...call,
            state: 'settled',
            outcome: {
              ok: false,
              failure: {
                kind: 'cancelled',
                code: 'cancelled',
                message: 'The caller left.',
                secrets: [],
                httpStatus: null,
                settlementDeferred: false,
              },
            },
          })
          return true
        },
        history: ({ module, limit }) =>
          this.calls
            .filter((call) => module === null || call.module === module)
            .slice(0, limit)
            .map(lineOf),
        watchCalls: (_input, push) => {
          this.callWatches.add(push)
          return () => void this.callWatches.delete(push)
        },
        view: ({ id }) => this.calls.find((call) => call.id === id) ?? null,
        copyOutput: ({ id }) => {
          this.asked.push({ call: 'copyOutput', input: id })
          return true
        },
        setPermission: (input) => {
          this.asked.push({ call: 'setPermission', input })
          this.setTool(input.name, {
            operations: (this.tools.find(({ module }) => module === input.name)?.operations ?? []).map(
              (each) =>
                each.id === input.operation
                  ? { ...each, permission: input.permission ?? each.declaredPermission }
                  : each,
            ),
          })
        },
        server: () => this.server,
        setServer: ({ enabled }) => {
          this.server = {
            ...this.server,
            enabled,
            url: enabled ? `http://127.0.0.1:${this.server.port}` : null,
          }
          return this.server
        },
        revealToken: () => void this.asked.push({ call: 'revealToken', input: null }),
      },
      secrets: {
        list: () => [...this.secrets.values()],
        set: ({ name, value }) => {
          if (this.refuseSet !== null) throw this.refuseSet
          this.valuesSet.push({ name, bytes: [...value] })
          const known = this.secrets.get(name)
          this.secrets.set(
            name,
            known === undefined
              ? sampleSecret(name, { lastUsedAt: null, updatedAt: Date.now() })
              : { ...known, updatedAt: Date.now() },
          )
          this.mark(name, true)
        },
        remove: ({ name }) => {
          this.asked.push({ call: 'remove', input: name })
          this.secrets.delete(name)
          this.mark(name, false)
        },
        grant: (input) => {
          this.asked.push({ call: 'grant', input })
          const tool = this.tools.find(({ module }) => module === input.name)
          this.setTool(input.name, {
            secrets: (tool?.secrets ?? []).map((each) =>
              each.name === input.secret
                ? {
                    ...each,
                    grantedHosts: input.hosts,
                    granted: each.hosts.every((host) => input.hosts.includes(host)),
                  }
                : each,
            ),
          })
        },
      },
    }
  }

  private mark(name: string, present: boolean): void {
    this.tools = this.tools.map((tool) => ({
      ...tool,
      secrets: tool.secrets.map((each) => (each.name === name ? { ...each, present } : each)),
    }))
    this.tell()
  }

  private begin(module: string, operation: string, params: string): string {
    const id = `call-${this.next++}`
    const call = sampleCall(id, { module, operation, params })
    if (this.answer === null) this.put({ ...call, state: 'running', outcome: null, trace: [], logs: [] })
    else this.put({ ...call, ...this.answer(operation, params) })
    return id
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
