import { PaddockError } from '../../shared/errors.ts'
import type { PaddockHandlers } from '../../shared/ipc/schema.ts'

/** Handlers of a group that a double does not have: each call fails as one to an engine without it. */
export function absent<G extends keyof PaddockHandlers>(group: G): PaddockHandlers[G] {
  return new Proxy({} as PaddockHandlers[G], {
    get: (_, name) => () => {
      throw new PaddockError('internal.bug', `The double has no ${group}.${String(name)}.`)
    },
  })
}
