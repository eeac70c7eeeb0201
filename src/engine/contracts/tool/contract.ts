/** The tool contract: which components are of it, what its declaration asks for (spec tools 1, 2). */
import type { ExternShape, WorldShape } from '../../../shared/component/world.ts'
import { toolContractId } from '../../../shared/contracts/tool.ts'
import { maxToolCoreInstances, maxToolParts } from '../../../shared/contracts/tool-call.ts'
import { toolHostInterface, toolInterface } from '../../../shared/contracts/tool-world.ts'
import { maxTableElements } from '../../../shared/domain/limits.ts'
import type { ModuleManifest } from '../../modules/manifest/model.ts'
import type { CapabilityKind, Contract, ContractMatch } from '../contract.ts'
import { contractWorld, importedInterface } from '../shapes.ts'
import { describeToolAsk } from './asks.ts'
import { readToolDeclaration } from './declaration.ts'
import { gateTool, isOfToolPackage } from './gate.ts'
import { toolScopes } from './scopes.ts'

const toolWorld = 'near:agent/sandboxed-tool@0.4.1'

const capabilities: readonly CapabilityKind[] = ['http', 'secrets', 'workspace', 'tool-invoke'].map(
  (name) => ({
    name,
    harmless: false,
    withoutManifest: false,
  }),
)

export const toolTraits = {
  id: toolContractId,
  title: 'Tool',
  capabilities,
  compiledLimits: {
    tableElements: maxTableElements,
    parts: { coreInstances: maxToolCoreInstances, tables: maxToolParts, memories: maxToolParts },
  },
  processes: 'own',
  match,
  check,
  complete,
  scopes: (manifest) => toolScopes(readToolDeclaration(manifest)),
  capabilityOf,
  describeAsk: (capability, { manifest }) => describeToolAsk(capability, readToolDeclaration(manifest)),
} as const satisfies Omit<Contract, 'createSession'>

/** By the package of any of its names: another version is refused by name, not taken for something else. */
function match(world: WorldShape): ContractMatch | null {
  const shape = contractWorld(toolWorld)
  return shape === undefined || !isOfToolPackage(world) ? null : { world: toolWorld, shape }
}

function check(world: WorldShape): void {
  const shape = contractWorld(toolWorld)
  gateTool(world, shape && importedInterface(shape, toolHostInterface))
}

/** The import names no capability: what a tool may do is declared, not linked. */
function capabilityOf(extern: ExternShape): string | null | undefined {
  if (extern.kind === 'type') return null
  return extern.name === toolHostInterface || extern.name === toolInterface ? null : undefined
}

/** Capabilities, hosts and limits follow from the declaration; all of them may be refused, calls are then denied. */
function complete(manifest: ModuleManifest): ModuleManifest {
  const declaration = readToolDeclaration(manifest)
  const { http, credentials, visibleSecrets, workspace, tools, limits } = declaration
  const asked = [
    ...(http.allow.length > 0 ? ['http'] : []),
    ...(credentials.length + visibleSecrets.length > 0 ? ['secrets'] : []),
    ...(workspace.read.length > 0 ? ['workspace'] : []),
    ...(Object.keys(tools.alias).length > 0 ? ['tool-invoke'] : []),
  ]
  return {
    ...manifest,
    capabilities: {
      ...manifest.capabilities,
      required: [],
      optional: asked.filter((name) => !manifest.capabilities.denied.includes(name)),
      httpAllow: [...new Set(http.allow.map(({ host }) => host))],
    },
    limits: {
      ...manifest.limits,
      memoryBytes: Math.min(limits.memoryBytes, manifest.limits.memoryBytes ?? limits.memoryBytes),
      deadlineMs: Math.min(limits.timeoutMs, manifest.limits.deadlineMs ?? limits.timeoutMs),
    },
  }
}
