const intervalMs = 3
const timeoutMs = 8_000

/** Waits until the expectation holds, looking often; fails with its message after some seconds. */
export async function until<T>(expectation: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + timeoutMs
  for (;;) {
    try {
      return await expectation()
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
}
