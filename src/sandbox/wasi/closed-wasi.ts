/** The part of WASI that tools may import at all: neither sockets nor HTTP, not even refusing ones (spec tools 1). */
import { closedWasiInterfaces } from '../../shared/contracts/tool-world.ts'
import { createVirtualWasi, type VirtualWasiOptions } from './virtual-wasi.ts'

/** As `createVirtualWasi`, without what is closed. */
export function createClosedWasi(options: Omit<VirtualWasiOptions, 'http'>): Record<string, unknown> {
  const all = createVirtualWasi(options)
  return Object.fromEntries(closedWasiInterfaces.map((name) => [name, all[name]]))
}
