/** Which version decides which command (spec decider 3): immutable, a change makes the next table. */
import { PaddockError } from '../../../../shared/errors.ts'

/** A version of a decider that is loaded. */
export interface RoutedVersion {
  readonly name: string
  readonly version: string
  /** Its command types. */
  readonly types: readonly string[]
}

/** What activating would do, by command type. */
export interface ActivationReport {
  readonly activated: { type: string; before: string | null }[]
  /** Types of the version before that this one lacks: no longer routed. */
  readonly dropped: string[]
  /** Types taken from another decider. */
  readonly takenOver: { type: string; from: string }[]
}

export function referenceOf({ name, version }: { readonly name: string; readonly version: string }): string {
  return `${name}@${version}`
}

export class RoutingTable<T extends RoutedVersion> {
  private readonly routes: ReadonlyMap<string, T>

  constructor(routes: ReadonlyMap<string, T> = new Map()) {
    this.routes = routes
  }

  get(type: string): T | undefined {
    return this.routes.get(type)
  }

  entries(): readonly (readonly [string, T])[] {
    return [...this.routes].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** The version of this decider that has routes. */
  activeOf(name: string): T | undefined {
    return [...this.routes.values()].find((version) => version.name === name)
  }

  /** Throws `decider.duplicate_route` for a type that a decider of another name has; the table stays. */
  refuseForeign(newcomer: RoutedVersion): void {
    for (const type of newcomer.types) {
      const owner = this.routes.get(type)
      if (owner !== undefined && owner.name !== newcomer.name) throw duplicateRoute(type, owner, newcomer)
    }
  }

  /**
   * Routes all of its types to `version`, as one. Throws `decider.duplicate_route` where another decider would lose a
   * type and the operator did not confirm that.
   */
  activate(
    version: T,
    options: { readonly takeover: boolean; readonly except?: readonly string[] },
  ): { readonly table: RoutingTable<T>; readonly report: ActivationReport } {
    if (!options.takeover) this.refuseForeign(version)
    const wanted = version.types.filter((type) => !(options.except ?? []).includes(type))
    const next = new Map(this.routes)
    const dropped: string[] = []
    for (const [type, owner] of this.routes) {
      if (owner.name !== version.name || wanted.includes(type)) continue
      next.delete(type)
      dropped.push(type)
    }
    const activated = wanted.map((type) => {
      const before = this.routes.get(type)
      next.set(type, version)
      return { type, before: before === undefined ? null : referenceOf(before) }
    })
    const takenOver = wanted.flatMap((type) => {
      const owner = this.routes.get(type)
      return owner === undefined || owner.name === version.name ? [] : [{ type, from: referenceOf(owner) }]
    })
    return { table: new RoutingTable(next), report: { activated, dropped, takenOver } }
  }

  without(keep: (type: string, version: T) => boolean): RoutingTable<T> {
    return new RoutingTable(new Map([...this.routes].filter(([type, version]) => keep(type, version))))
  }
}

function duplicateRoute(type: string, owner: RoutedVersion, newcomer: RoutedVersion): PaddockError {
  return new PaddockError(
    'decider.duplicate_route',
    `The command type ${JSON.stringify(type)} belongs to ${referenceOf(owner)}; ${referenceOf(newcomer)} declares it too.`,
    { details: { type, owner: referenceOf(owner), newcomer: referenceOf(newcomer) } },
  )
}
