/** `torvyn:capabilities/capability-query`: what the node was granted (spec flows 1.5). */
import type { DirectInterface } from '../../../binding/direct.ts'
import { interfaceType } from '../../../binding/types.ts'
import { hostCall, u32, type StageHost } from './host-call.ts'
import { capabilityQueryName } from './names.ts'
import { liftText } from './texts.ts'

/** No capability has a longer name. */
const maxNameBytes = 256

export function capabilityHost({ fuel }: StageHost, grants: readonly string[]): DirectInterface {
  const granted = new Set(grants)
  return {
    type: interfaceType(capabilityQueryName, {}),
    functions: {},
    glue: { hasCapability: () => false },
    core: (name, memory) =>
      name !== 'has-capability'
        ? undefined
        : hostCall(memory, (pointer, length) => {
            fuel.charge(0)
            const bytes = u32(length)
            memory.check(u32(pointer), bytes, 1)
            if (bytes > maxNameBytes) return 0
            return granted.has(liftText(memory, u32(pointer), bytes, maxNameBytes)) ? 1 : 0
          }),
  }
}
