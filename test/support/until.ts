import { vi } from 'vitest'

/** Waits until the expectation holds, looking often; fails with its message after some seconds. */
export function until<T>(expectation: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(expectation, { interval: 3, timeout: 8_000 })
}
