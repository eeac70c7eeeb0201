/**
 * The stage contract: which components are stages of flows (spec flows 1). It is there to recognise and describe them;
 * a stage runs in a flow only, so that none of it is installed as a module.
 */
import type { ExternShape, WorldShape } from '../../../shared/component/world.ts'
import type { StageRole } from '../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { Contract, ContractMatch } from '../contract.ts'
import { exportMismatch, judgeImport, stageExports, stageShape, stageWorldName } from './stage-world.ts'

const stageContractId = 'stage'

export const stageContract: Contract = {
  id: stageContractId,
  title: 'Stage of a flow',
  capabilities: [],
  match,
  check,
  capabilityOf,
  describeAsk: (capability) => ({
    title: `Use ${capability}`,
    detail: 'Granted in the flow file.',
    risky: false,
  }),
  refuseAlone,
  createSession: () => {
    throw refuseAlone()
  },
}

function match(world: WorldShape): ContractMatch | null {
  const { roles, otherVersions } = stageExports(world)
  const [first] = roles
  if (first !== undefined) return { world: stageWorldName(first, world), shape: stageShape(first) }
  const [other] = otherVersions
  return other === undefined ? null : { world: other, shape: { imports: [], exports: [] } }
}

/** Throws `component.unsupported_dialect` naming the first difference (1.3). */
function check(world: WorldShape): void {
  const { roles, otherVersions } = stageExports(world)
  const [other] = otherVersions
  if (roles.length === 0 && other !== undefined) throw unsupported(other)
  for (const role of roles) {
    const mismatch = exportMismatch(world, role)
    if (mismatch !== null) throw unsupported(mismatch, role)
  }
}

function unsupported(mismatch: string, role?: StageRole): PaddockError {
  const of = role === undefined ? 'stage contracts' : `contract of a ${role}`
  return new PaddockError(
    'component.unsupported_dialect',
    `The component was built for another version or shape of the ${of} than 0.1; the first difference is ${mismatch}.`,
    { details: { mismatch } },
  )
}

/** No import of a stage needs a capability of modules; what it may do is granted in the flow file. */
function capabilityOf(extern: ExternShape): string | null | undefined {
  if (extern.name.startsWith('wasi:')) return null
  return judgeImport(extern).kind === 'unknown' ? undefined : null
}

function refuseAlone(): PaddockError {
  return new PaddockError(
    'stage.alone',
    'The component is a stage of a flow: it takes or gives elements and does nothing by itself.',
  )
}
