/** WASI for a stage: it may print; the rest only as granted (spec flows 1.5, 3.4). */
import { randomFillSync } from 'node:crypto'
import { PaddockError } from '../../../../shared/errors.ts'
import { createVirtualWasi } from '../../../wasi/virtual-wasi.ts'
import type { StageOptions } from './options.ts'
import { cutText } from './texts.ts'

/** Longer lines are cut. */
const maxLineBytes = 8 * 1024

/** Interfaces that trap unless one of these was granted. */
const gated: Readonly<Record<string, readonly string[]>> = {
  'wasi:clocks/monotonic-clock': ['wasi-clocks'],
  'wasi:clocks/wall-clock': ['wasi-clocks'],
  'wasi:random/random': ['wasi-random'],
  'wasi:random/insecure': ['wasi-random'],
  'wasi:random/insecure-seed': ['wasi-random'],
  'wasi:cli/environment': ['wasi-environment'],
  'wasi:sockets/instance-network': ['wasi-network-egress'],
  'wasi:sockets/tcp-create-socket': ['wasi-network-egress'],
  'wasi:sockets/udp-create-socket': ['wasi-network-egress'],
  'wasi:sockets/ip-name-lookup': ['wasi-network-egress'],
}

/** To sleep on: the thread runs no timers. */
const neverSignalled = new Int32Array(new SharedArrayBuffer(4))

/**
 * The interfaces as generated glue asks for them. There are no preopened folders, so that no file can be reached; that
 * list alone may be asked for, because runtimes do before they print.
 */
export function stageWasi({ node, grants, log }: Pick<StageOptions, 'node' | 'grants' | 'log'>) {
  const began = process.hrtime.bigint()
  const interfaces = createVirtualWasi({
    log: ({ source, level, message }) =>
      log({ node: node.name, source, level, message: cutText(message, maxLineBytes) }),
    clock: {
      nowMs: () => BigInt(Math.max(0, Date.now())),
      monotonicNs: () => process.hrtime.bigint() - began,
      sleep: (ms) => void Atomics.wait(neverSignalled, 0, 0, ms),
    },
    random: (length) => randomFillSync(new Uint8Array(length)),
  })
  for (const [name, capabilities] of Object.entries(gated)) {
    if (capabilities.some((capability) => grants.includes(capability))) continue
    interfaces[name] = withoutGrant(name, interfaces[name])
  }
  return interfaces
}

/** Its functions trap; its resources stay, for nobody can come by one. */
function withoutGrant(name: string, present: unknown): Record<string, unknown> {
  const refused: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(present as Record<string, unknown>)) {
    const isResource = /^[A-Z]/.test(key)
    refused[key] = isResource
      ? value
      : (): never => {
          throw new PaddockError('sandbox.trap', `called ${name}, which is not granted to this node`)
        }
  }
  return refused
}
