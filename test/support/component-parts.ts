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

function leb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}
