/** The shapes of the contracts' worlds, as the packages in resources/wit declare them. */
import { parseInterfaceName, sameTrack } from '../../shared/component/names.ts'
import type { InterfaceShape, WorldShape } from '../../shared/component/world.ts'
import { generatedShapes } from './shapes.generated.ts'

/** The world of this key, for instance `nexum:host/event-module@0.2.0`. */
export function contractWorld(key: string): WorldShape | undefined {
  return Object.hasOwn(generatedShapes, key) ? generatedShapes[key] : undefined
}

/** The interface that `world` imports under `name` or a compatible version of it (spec nexum-host 1.2). */
export function importedInterface(world: WorldShape, name: string): InterfaceShape | undefined {
  return interfaceAmong(world.imports, name)
}

/** The interface that `world` exports under `name` or a compatible version of it. */
export function exportedInterface(world: WorldShape, name: string): InterfaceShape | undefined {
  return interfaceAmong(world.exports, name)
}

function interfaceAmong(externs: WorldShape['imports'], name: string): InterfaceShape | undefined {
  const wanted = parseInterfaceName(name)
  for (const extern of externs) {
    if (extern.kind !== 'interface') continue
    if (extern.name === name) return extern.interface
    const offered = parseInterfaceName(extern.name)
    if (
      wanted !== undefined &&
      offered?.namespace === wanted.namespace &&
      offered.package === wanted.package &&
      offered.interface === wanted.interface &&
      sameTrack(offered.version, wanted.version)
    ) {
      return extern.interface
    }
  }
  return undefined
}
