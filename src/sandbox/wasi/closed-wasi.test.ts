import { expect, test } from 'vitest'
import { closedWasiInterfaces } from '../../shared/contracts/tool-world.ts'
import { createClosedWasi } from './closed-wasi.ts'

test('spec tools 1: what is linked is exactly what may be imported, and no socket, no HTTP', () => {
  const wasi = createClosedWasi({
    log: () => undefined,
    clock: { nowMs: () => 0n, monotonicNs: () => 0n, sleep: () => undefined },
    random: (length) => new Uint8Array(length),
  })
  expect(Object.keys(wasi)).toEqual([...closedWasiInterfaces])
  for (const [name, provided] of Object.entries(wasi)) {
    expect(provided, name).toBeTypeOf('object')
    expect(name).not.toMatch(/sockets|http/)
  }
})
