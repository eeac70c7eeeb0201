/** Worlds of stages by the file names that the flow files of tests use: the contracts' own, and some that are wrong. */
import { contractWorld } from '../../src/engine/contracts/shapes.ts'
import type { StageComponent } from '../../src/engine/flows/plan/model.ts'
import type { FlowDefinition } from '../../src/engine/flows/file/model.ts'
import type { ExternShape, InterfaceShape, WorldShape } from '../../src/shared/component/world.ts'
import { PaddockError } from '../../src/shared/errors.ts'

export function worldOf(key: string): WorldShape {
  const world = contractWorld(key)
  if (world === undefined) throw new Error(`There is no world ${key}`)
  return world
}

const source = worldOf('torvyn:streaming/data-source@0.1.0')
const sink = worldOf('torvyn:streaming/data-sink@0.1.0')

function imported(name: string): ExternShape {
  return { kind: 'interface', name, interface: { name, functions: {}, types: {} } }
}

export function importing(world: WorldShape, ...names: string[]): WorldShape {
  return { ...world, imports: [...world.imports, ...names.map(imported)] }
}

/** The world with one of its exported interfaces changed. */
export function exporting(
  world: WorldShape,
  interfaceName: string,
  change: (shape: InterfaceShape) => InterfaceShape,
): WorldShape {
  return {
    ...world,
    exports: world.exports.map((extern) => {
      if (extern.kind !== 'interface' || !extern.name.startsWith(interfaceName)) return extern
      const changed = change(extern.interface)
      return { kind: 'interface', name: changed.name, interface: changed }
    }),
  }
}

const withoutParameters = (shape: InterfaceShape): InterfaceShape => ({
  ...shape,
  functions: Object.fromEntries(
    Object.entries(shape.functions).map(([name, each]) => [name, { ...each, params: [] }]),
  ),
})

export const stageWorlds: Readonly<Record<string, WorldShape>> = {
  source,
  sink,
  processor: worldOf('torvyn:streaming/managed-transform@0.1.0'),
  transform: worldOf('torvyn:streaming/transform@0.1.0'),
  filter: worldOf('torvyn:filtering/content-filter@0.1.0'),
  router: worldOf('torvyn:filtering/content-router@0.1.0'),
  aggregator: worldOf('torvyn:aggregation/stream-aggregator@0.1.0'),
  'source-and-sink': { imports: source.imports, exports: [...source.exports, ...sink.exports.slice(0, 1)] },
  'sink-with-database': importing(sink, 'acme:db/query@1.0.0'),
  'sink-with-sockets': importing(sink, 'wasi:sockets/tcp@0.2.0', 'wasi:sockets/udp@0.2.0'),
  'sink-with-clocks': importing(
    sink,
    'wasi:clocks/wall-clock@0.2.3',
    'wasi:cli/stdout@0.2.0',
    'wasi:filesystem/types@0.2.0',
  ),
  'sink-of-another-shape': exporting(sink, 'torvyn:streaming/sink', withoutParameters),
  'sink-of-0-2': exporting(sink, 'torvyn:streaming/sink', (shape) => ({
    ...shape,
    name: 'torvyn:streaming/sink@0.2.0',
  })),
  'sink-of-0-1-9': exporting(sink, 'torvyn:streaming/sink', (shape) => ({
    ...shape,
    name: 'torvyn:streaming/sink@0.1.9',
  })),
  decider: worldOf('trogon:decider/decider@0.3.0'),
}

/** The component of a world, as the compiler would have inspected it. */
export function stageComponent(world: WorldShape, sizeBytes = 6_000): StageComponent {
  return { ok: true, path: '/flows/stage.wasm', inspection: { sha256: '0'.repeat(64), sizeBytes, world } }
}

/** Components for the nodes of a flow by the names of their files: `file://sink.wasm` is a sink. */
export function componentsFor(flow: FlowDefinition): Map<string, StageComponent> {
  return new Map(
    flow.nodes.flatMap(({ name, component, source: reference }) => {
      if (component.kind === 'host') return []
      const world = stageWorlds[/([a-z0-9-]+)\.wasm$/.exec(reference)?.[1] ?? reference]
      const missing = new PaddockError('flow.component', 'it is not there.').toReport()
      return [[name, world === undefined ? { ok: false, error: missing } : stageComponent(world)] as const]
    }),
  )
}
