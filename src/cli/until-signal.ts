/** Resolves with SIGINT, SIGTERM, or after `forMs`. */
export function untilSignal(forMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      process.off('SIGINT', end)
      process.off('SIGTERM', end)
      resolve()
    }
    const timer = forMs === undefined ? undefined : setTimeout(end, forMs)
    process.once('SIGINT', end)
    process.once('SIGTERM', end)
  })
}
