/** What one call may do: declared, narrowed by its operation, and granted by the operator (spec tools 2, 3). */
import type { CredentialRule, ToolDeclaration, ToolOperation } from '../../../../shared/contracts/tool.ts'
import type { CallPolicy } from '../broker.ts'
import type { Tool } from './tool.ts'

export interface CallGrants {
  readonly policy: CallPolicy
  readonly mayInvoke: boolean
  /** Declared and required, yet not granted for these hosts. */
  readonly withheld: readonly CredentialRule[]
  /** Secrets that the operation cannot do without. */
  readonly requiredSecrets: readonly string[]
}

/** `deadlineMs` is what is left of the call. */
export function grantsFor(tool: Tool, operation: ToolOperation, deadlineMs: number): CallGrants {
  const { declaration, module, spec, grants } = tool
  const has = (effect: ToolOperation['effects'][number], capability: string): boolean =>
    operation.effects.includes(effect) && spec.capabilities[capability] === 'provided'
  const network = has('network', 'http')
  const secrets = has('use_secret', 'secrets')
  const declared = secrets ? credentialsOf(declaration, operation) : []
  const granted = (rule: CredentialRule): string[] => {
    const hosts = grants.secrets.find(({ name }) => name === rule.secret)?.hosts ?? []
    return rule.hosts.filter((host) => hosts.includes(host))
  }
  const { allow, ...http } = declaration.http
  const chosen = operation.allow
  return {
    policy: {
      module,
      operation: operation.id,
      http: {
        ...http,
        // Hosts that the operator took back stand in the refused ones as the declaration spells them.
        allow: network
          ? allow.filter(
              ({ host }, index) => (chosen?.includes(index) ?? true) && !grants.refusedHosts.includes(host),
            )
          : [],
      },
      credentials: declared.flatMap((rule) => {
        const hosts = granted(rule)
        return hosts.length === 0 ? [] : [{ ...rule, hosts }]
      }),
      visibleSecrets: secrets ? declaration.visibleSecrets : [],
      workspace: has('read_workspace', 'workspace')
        ? declaration.workspace
        : { ...declaration.workspace, read: [] },
      permittedPrivate: grants.permitDestinations,
      // What is compiled in, which the engine may have made less than was declared.
      memoryBytes: Math.min(declaration.limits.memoryBytes, spec.limits.memoryBytes),
      outputBytes: declaration.limits.outputBytes,
      deadlineMs,
    },
    mayInvoke: has('invoke_tool', 'tool-invoke'),
    withheld: declared.flatMap((rule) => {
      const hosts = granted(rule)
      const others = rule.hosts.filter((host) => !hosts.includes(host))
      return rule.required && others.length > 0 ? [{ ...rule, hosts: others }] : []
    }),
    requiredSecrets: [...new Set(declared.filter(({ required }) => required).map(({ secret }) => secret))],
  }
}

/** Credentials of the operation, all of the tool's unless it names some. */
export function credentialsOf(declaration: ToolDeclaration, operation: ToolOperation): CredentialRule[] {
  const { credentials: chosen } = operation
  return declaration.credentials.filter(({ secret }) => chosen?.includes(secret) ?? true)
}

/** Whether a request to the address would need a credential that is withheld; what is no address is the broker's to refuse. */
export function needsWithheld(withheld: readonly CredentialRule[], url: string): boolean {
  if (withheld.length === 0) return false
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return false
  }
  const { hostname, pathname } = parsed
  return withheld.some(
    ({ hosts, pathPrefixes }) =>
      hosts.includes(hostname) &&
      (pathPrefixes.length === 0 || pathPrefixes.some((prefix) => pathname.startsWith(prefix))),
  )
}
