/** Which WASI imports of a stage need a grant (spec flows 1.5, 3.4). */
import { parseInterfaceName } from '../../../shared/component/names.ts'
import type { GateName } from '../file/keys/grants.ts'

/** Packages whose static imports do not link without a grant; files and the environment trap when they are used. */
const gated: Readonly<Record<string, GateName>> = {
  clocks: 'wasi-clocks',
  random: 'wasi-random',
  sockets: 'wasi-network-egress',
  http: 'wasi-network-egress',
}

/** The gate before a WASI import, or null where it links without one. */
export function gateBefore(name: string): GateName | null {
  const parsed = parseInterfaceName(name)
  if (parsed?.namespace !== 'wasi' || !Object.hasOwn(gated, parsed.package)) return null
  return gated[parsed.package] ?? null
}

const words: Readonly<Record<GateName, string>> = {
  'wasi-filesystem-read': 'files',
  'wasi-filesystem-write': 'files',
  'wasi-network-egress': 'network',
  'wasi-clocks': 'clocks',
  'wasi-random': 'random',
  'wasi-environment': 'environment',
}

/** The gate in one word, as messages have it. */
export function gateWord(gate: GateName): string {
  return words[gate]
}

/** Gates behind which Paddock has nothing for stages: what is granted there answers as if it were empty. */
const empty: readonly GateName[] = [
  'wasi-filesystem-read',
  'wasi-filesystem-write',
  'wasi-network-egress',
  'wasi-environment',
]

export function isEmptyGate(gate: GateName): boolean {
  return empty.includes(gate)
}
