// Runs inside the guest, before the author's module is evaluated.

function unavailable(name: string): () => never {
  return () => {
    throw new Error(`${name} does not exist in a decider: what it needs comes with the command.`)
  }
}

/**
 * Replaces what would make a decision depend on more than history and command. The clock would trap; `Math.random`
 * would not: its seed is frozen when the component is built, so that it looks constant and then drifts.
 */
export function removeImpureGlobals(): void {
  const noClock = unavailable('The current time')
  Math.random = unavailable('Math.random')
  Date.now = noClock
  const date = new Proxy(Date, {
    apply: noClock,
    construct: (target, values: unknown[], newTarget) =>
      values.length === 0 ? noClock() : (Reflect.construct(target, values, newTarget) as object),
  })
  Reflect.set(globalThis, 'Date', date)
  Reflect.deleteProperty(globalThis, 'performance')
}
