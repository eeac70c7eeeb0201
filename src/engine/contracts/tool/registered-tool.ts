/** A tool as the service knows it, from the load of its module until that is gone. */
import type { SecretView, ToolOperationView, ToolView } from '../../../shared/domain/tool.ts'
import type { ErrorReport } from '../../../shared/errors.ts'
import type { ToolDeclaration, ToolMetadata, ToolOperation } from '../../../shared/contracts/tool.ts'
import type { ModuleGrants } from '../../../shared/domain/operator/grants.ts'
import { ToolCounts, type Tool } from './jobs/tool.ts'
import type { Job } from './jobs/job.ts'

export interface KnownTool {
  readonly module: string
  readonly version: string
  readonly declaration: ToolDeclaration
  /** What the operator gave it, as it is now. */
  readonly grants: () => ModuleGrants
}

export class RegisteredTool {
  known: KnownTool
  readonly counts = new ToolCounts()
  readonly jobs = new Set<Job>()
  state: ToolView['state'] = 'stopped'
  error: ErrorReport | null = null
  metadata: ToolMetadata | undefined
  /** Set while calls are taken. */
  tool: Tool | undefined

  /** Whether it was loaded anew since it last took calls. */
  isNew = true

  constructor(known: KnownTool) {
    this.known = known
  }

  /** Another version of it was loaded, or the same again. */
  renew(known: KnownTool): void {
    this.known = known
    this.isNew = true
  }

  get module(): string {
    return this.known.module
  }

  permission({ id, permission }: ToolOperation): ToolOperation['permission'] {
    const { operations } = this.known.grants()
    return Object.hasOwn(operations, id) ? (operations[id] ?? permission) : permission
  }

  /** `present` are the secrets that have a value. */
  view(present: ReadonlySet<string>): ToolView {
    const { known, state, error, metadata, counts } = this
    return {
      module: known.module,
      version: known.version,
      state,
      error,
      description: metadata?.description ?? '',
      schema: metadata?.schema ?? '',
      operations: known.declaration.operations.map((operation) => this.operationView(operation)),
      secrets: secretsOf(known, present),
      running: counts.running,
      queued: counts.queued,
      calls: counts.calls,
      failures: counts.failures,
    }
  }

  private operationView(operation: ToolOperation): ToolOperationView {
    const { id, description, effects, permission } = operation
    return {
      id,
      description,
      effects: [...effects],
      permission: this.permission(operation),
      declaredPermission: permission,
    }
  }
}

/** One entry for each secret that credentials name. */
function secretsOf({ declaration, grants }: KnownTool, present: ReadonlySet<string>): ToolView['secrets'] {
  const granted = new Map(grants().secrets.map(({ name, hosts }) => [name, hosts]))
  const names = [...new Set(declaration.credentials.map(({ secret }) => secret))]
  return names.map((name) => {
    const rules = declaration.credentials.filter(({ secret }) => secret === name)
    const hosts = [...new Set(rules.flatMap((rule) => rule.hosts))]
    const allowed = granted.get(name) ?? []
    return {
      name,
      hosts,
      required: rules.some(({ required }) => required),
      present: present.has(name),
      granted: hosts.every((host) => allowed.includes(host)),
      grantedHosts: hosts.filter((host) => allowed.includes(host)),
      injected: [...new Set(rules.map(({ inject }) => inject.type))],
    }
  })
}

/** Whom each secret was granted to, added to what the store tells of it. */
export function withGrants(secrets: readonly SecretView[], tools: readonly RegisteredTool[]): SecretView[] {
  return secrets.map((secret) => ({
    ...secret,
    grants: tools.flatMap(({ module, known }) =>
      known
        .grants()
        .secrets.filter(({ name, hosts }) => name === secret.name && hosts.length > 0)
        .map(({ hosts }) => ({ module, hosts: [...hosts] })),
    ),
  }))
}
