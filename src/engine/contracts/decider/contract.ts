/** The decider contract: which components are of it, and that they import nothing (spec decider 2). */
import type { WorldShape } from '../../../shared/component/world.ts'
import { parseInterfaceName } from '../../../shared/component/names.ts'
import { deciderContractId, deciderInterface } from '../../../shared/contracts/decider.ts'
import { deciderCompiledLimits } from '../../../shared/contracts/decider-limits.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Contract, ContractMatch } from '../contract.ts'
import { contractWorld } from '../shapes.ts'
import { DeciderSession } from './session.ts'

const deciderWorld = 'trogon:decider/decider@0.3.0'

export const deciderContract: Contract = {
  id: deciderContractId,
  title: 'Decider',
  capabilities: [],
  compiledLimits: deciderCompiledLimits,
  versionsSideBySide: true,
  match,
  check,
  capabilityOf: () => undefined,
  describeAsk: (capability) => {
    throw new PaddockError('internal.bug', `A decider asks for nothing, not for ${capability}.`)
  },
  createSession: (context, predecessor) => new DeciderSession(context, predecessor),
}

function exportedNames(world: WorldShape): string[] {
  return world.exports.flatMap((extern) => (extern.kind === 'interface' ? [extern.name] : []))
}

/** By the package of what it exports: another version is refused by name, not taken for something else. */
function match(world: WorldShape): ContractMatch | null {
  const shape = contractWorld(deciderWorld)
  const isDecider = exportedNames(world).some((name) => name.startsWith('trogon:decider/'))
  return shape === undefined || !isDecider ? null : { world: deciderWorld, shape }
}

/**
 * Throws `decider.missing_export`, `decider.unsupported_version`, and `decider.forbidden_import` with all names: an
 * import-free decider is the proof that it is pure, so that no grant can override this.
 */
function check(world: WorldShape): void {
  const names = exportedNames(world)
  if (!names.includes(deciderInterface)) {
    const other = names.find((name) => parseInterfaceName(name)?.interface === 'handler')
    if (other !== undefined) {
      throw new PaddockError(
        'decider.unsupported_version',
        `The decider exports ${other}; Paddock runs ${deciderInterface}, which is not compatible with it.`,
        { details: { exported: other, supported: deciderInterface } },
      )
    }
    throw new PaddockError(
      'decider.missing_export',
      `The component exports ${names.join(', ')}, but not ${deciderInterface}.`,
      { details: { exports: names, missing: deciderInterface } },
    )
  }
  const imports = world.imports.map(({ name }) => name)
  if (imports.length === 0) return
  throw new PaddockError(
    'decider.forbidden_import',
    `A decider imports nothing, but this one imports ${imports.length}: ${imports.join(', ')}.`,
    { details: { imports } },
  )
}
