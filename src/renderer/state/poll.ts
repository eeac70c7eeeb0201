/** Reads now and again `everyMs` after each reading ended, until the returned function is called. `read` never rejects. */
export function poll(read: () => Promise<void>, everyMs: number): () => void {
  let timer = 0
  let isWanted = true
  const again = async (): Promise<void> => {
    await read()
    if (isWanted) timer = window.setTimeout(() => void again(), everyMs)
  }
  void again()
  return () => {
    isWanted = false
    window.clearTimeout(timer)
  }
}
