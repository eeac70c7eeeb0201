/**
 * What the adapters between a component's inner components import from the glue.
 *
 * The glue's own functions keep a record of tasks that only its generated exports begin; called past them, they throw.
 * Our guests are synchronous and run one call at a time: entering needs no record, and the two context slots are
 * plain variables.
 */

type Functions = Readonly<Record<string, (...values: number[]) => number | undefined>>

const noBookkeeping = (): undefined => undefined

/** Replacements by module name of the import, one set per component. */
export function adapterImports(): Readonly<Record<string, Functions>> {
  const slots: [number, number] = [0, 0]
  return {
    async: { 'enter-sync-call': noBookkeeping, 'exit-sync-call': noBookkeeping },
    context: {
      get0: () => slots[0],
      get1: () => slots[1],
      set0(value = 0) {
        slots[0] = value
        return undefined
      },
      set1(value = 0) {
        slots[1] = value
        return undefined
      },
    },
  }
}
