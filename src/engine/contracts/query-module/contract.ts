/** Query modules, and event modules that can be queried as well (spec nexum-host 1.1, 9). */
import type { WorldShape } from '../../../shared/component/world.ts'
import {
  queriedEventModuleContractId,
  queryModuleContractId,
} from '../../../shared/contracts/query-module.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Contract, ContractMatch } from '../contract.ts'
import { eventModuleContract } from '../event-module/contract.ts'
import { contractWorld } from '../shapes.ts'
import { QueriedEventSession } from './queried-event-session.ts'
import { QueryModuleSession } from './session.ts'

const queryWorld = 'nexum:host/query-module@0.2.0'
/** Its imports are all that any module of these worlds may use, each with its capability. */
const widestWorld = 'shepherd:cow/shepherd@0.2.0'

/** Exports `init` and `evaluate`. */
export const queryModuleContract: Contract = {
  ...eventModuleContract,
  id: queryModuleContractId,
  title: 'Query module',
  match(world) {
    if (!exportsAll(world, ['init', 'evaluate']) || exportsAll(world, ['on-event'])) return null
    const own = contractWorld(queryWorld)
    const widest = contractWorld(widestWorld)
    if (own === undefined || widest === undefined) return null
    return { world: queryWorld, shape: { ...own, imports: widest.imports } }
  },
  checkManifest({ subscriptions }) {
    if (subscriptions.length === 0) return
    throw new PaddockError(
      'manifest.bad_subscription',
      'Subscription 1: the component is a query module, which receives no events.',
      { remedy: 'Remove the subscriptions.', details: { index: 1 } },
    )
  },
  createSession: (context, predecessor) => {
    predecessor?.close()
    return new QueryModuleSession(context)
  },
}

/** Exports `init`, `on-event` and `evaluate`. */
export const queriedEventModuleContract: Contract = {
  ...eventModuleContract,
  id: queriedEventModuleContractId,
  title: 'Event and query module',
  match(world) {
    if (!exportsAll(world, ['init', 'on-event', 'evaluate'])) return null
    const match = eventModuleContract.match(world)
    return match === null ? null : withEvaluate(match)
  },
  createSession: (context, predecessor) => new QueriedEventSession(context, predecessor),
}

function withEvaluate(match: ContractMatch): ContractMatch | null {
  const evaluate = contractWorld(queryWorld)?.exports.find((extern) => extern.name === 'evaluate')
  if (evaluate === undefined) return null
  return { ...match, shape: { ...match.shape, exports: [...match.shape.exports, evaluate] } }
}

function exportsAll(world: WorldShape, names: readonly string[]): boolean {
  return names.every((name) =>
    world.exports.some((extern) => extern.kind === 'function' && extern.name === name),
  )
}
