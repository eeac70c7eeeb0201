/** Parts added to components byte by byte, as no toolchain would. */

const coreModuleSection = 1
const coreInstanceSection = 2
const preamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

/** Core modules to add instances of. */
export const emptyCore: readonly number[] = preamble
/** With one memory of one page. */
export const memoryCore: readonly number[] = [...preamble, 0x05, 0x03, 0x01, 0x00, 0x01]

/** The component with `count` further core instances of a module at its end, which nothing uses. */
export function withCoreInstances(
  component: Uint8Array,
  module: readonly number[],
  count: number,
): Uint8Array {
  const index = coreModules(component)
  const items = Array.from({ length: count }, () => [0x00, ...leb(index), 0x00]).flat()
  return Buffer.concat([
    component,
    section(coreModuleSection, module),
    section(coreInstanceSection, [...leb(count), ...items]),
  ])
}

const componentSection = 4
const instanceSection = 5
const aliasSection = 6
const typeSection = 7
const importSection = 10
const exportSection = 11

/**
 * A component that wraps another, exports its interface `exported`, and imports `imported`: an interface of one type
 * and no function, which no toolchain leaves in when nothing uses it.
 */
export function withTypesOnlyImport(component: Uint8Array, imported: string, exported: string): Uint8Array {
  // (type (instance (type u32) (export "size" (type (eq 0)))))
  const shapes = [0x42, 0x02, 0x01, 0x79, 0x04, 0x00, ...text('size'), 0x03, 0x00, 0x00]
  return Buffer.concat([
    component.subarray(0, 8),
    section(typeSection, [0x01, ...shapes]),
    section(importSection, [0x01, 0x00, ...text(imported), 0x05, 0x00]),
    Uint8Array.from([componentSection, ...leb(component.length)]),
    component,
    // Instance 0 is the import; 1 is made of the component, 2 is what that exports.
    section(instanceSection, [0x01, 0x00, 0x00, 0x00]),
    section(aliasSection, [0x01, 0x05, 0x00, 0x01, ...text(exported)]),
    section(exportSection, [0x01, 0x00, ...text(exported), 0x05, 0x02, 0x00]),
  ])
}

/** Core modules at the top of a component. */
function coreModules(component: Uint8Array): number {
  let found = 0
  for (let at = 8; at < component.length;) {
    if (component[at++] === coreModuleSection) found += 1
    let size = 0
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = component[at++] ?? 0
      size += (byte & 0x7f) * 2 ** shift
    }
    at += size
  }
  return found
}

function section(id: number, content: readonly number[]): Uint8Array {
  return Uint8Array.from([id, ...leb(content.length), ...content])
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value)
  return [...leb(bytes.length), ...bytes]
}

function leb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}
