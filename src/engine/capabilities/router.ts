/** Takes the host calls of all sandboxes to the capabilities, under the grants of each module. */
import type { HostCall, HostOutcome, Linkage } from '../../shared/sandbox/protocol.ts'
import { HostFailure, type Capability, type HostCallContext } from './capability.ts'

export interface RouterOptions {
  readonly capabilities: readonly Capability[]
  /** A fault of ours in a capability; the guest sees `internal` and nothing of it. */
  readonly onFault: (capability: string, error: unknown) => void
}

export interface CallerContext extends HostCallContext {
  /** How the caller's capabilities were linked. Checked here again: a sandbox may be compromised. */
  readonly linkage: Readonly<Record<string, Linkage>>
}

export class CapabilityRouter {
  private readonly capabilities: ReadonlyMap<string, Capability>
  private readonly onFault: RouterOptions['onFault']

  constructor(options: RouterOptions) {
    this.capabilities = new Map(options.capabilities.map((capability) => [capability.name, capability]))
    this.onFault = options.onFault
  }

  /** Names of what the engine provides through the bridge. */
  get provided(): string[] {
    return [...this.capabilities.keys()]
  }

  /** Answers one host call. Never rejects: whatever happens is an outcome. */
  async answer(call: HostCall, caller: CallerContext): Promise<HostOutcome> {
    const linkage = caller.linkage[call.capability]
    const capability = this.capabilities.get(call.capability)
    if (linkage !== 'provided' || capability === undefined) {
      const kind = linkage === 'denied' ? 'denied' : 'unsupported'
      return refuse(
        call.capability,
        kind,
        `${call.capability} is not available to this module.`,
        kind === 'denied' ? 0 : 501,
      )
    }
    const implementation = Object.hasOwn(capability.functions, call.function)
      ? capability.functions[call.function]
      : undefined
    if (implementation === undefined) {
      return refuse(
        call.capability,
        'unsupported',
        `${call.capability} has no function ${call.function}.`,
        501,
      )
    }
    try {
      const value = await implementation(call.args, caller)
      return { ok: true, value }
    } catch (error) {
      if (error instanceof HostFailure) return { ok: false, error: error.hostError }
      this.onFault(call.capability, error)
      return refuse(call.capability, 'internal', `${call.capability} failed.`, 0)
    }
  }
}

function refuse(
  domain: string,
  kind: 'denied' | 'unsupported' | 'internal',
  message: string,
  code: number,
): HostOutcome {
  return { ok: false, error: { domain, kind, code, message } }
}
