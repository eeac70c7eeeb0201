import { afterAll, afterEach, beforeAll } from 'vitest'
import {
  deciderComponent,
  openDecider,
  removeDeciderFolders,
  type OpenDecider,
  type OpenOptions,
} from './deciders.ts'

/** The deciders that the tests of one file open; those still open are closed after each test. */
export function openedDeciders(): {
  readonly start: (options?: OpenOptions, which?: Uint8Array) => Promise<OpenDecider>
  readonly stop: (decider: OpenDecider) => void
  /** The component of the counter, once the tests run. */
  readonly component: () => Uint8Array
} {
  let component: Uint8Array | undefined
  const open: OpenDecider[] = []
  const built = (): Uint8Array => {
    if (component === undefined) throw new Error('no test runs yet')
    return component
  }
  beforeAll(async () => {
    component = await deciderComponent()
  })
  afterEach(() => {
    for (const each of open.splice(0)) each.close()
  })
  afterAll(removeDeciderFolders)
  return {
    component: built,
    async start(options = {}, which = built()) {
      const decider = await openDecider(which, options)
      open.push(decider)
      return decider
    },
    stop(decider) {
      open.splice(open.indexOf(decider), 1)
      decider.close()
    },
  }
}
