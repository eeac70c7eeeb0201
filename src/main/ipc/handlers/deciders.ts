/** What the console asks of deciders. */
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { HandlerContext } from './context.ts'

/** Who sends what the console sends, to an authoriser. */
const principal = 'console'

export function deciderHandlers({ engine }: HandlerContext): PaddockHandlers['deciders'] {
  const { deciders } = engine.contracts
  return {
    list: () => deciders.views(),
    routes: () => deciders.routes(),
    planActivation: ({ reference, takeover }) => deciders.planActivation(reference, { takeover }),
    activate: ({ reference, takeover }) => deciders.activate(reference, { takeover }),
    retire: ({ type }) => deciders.retire(type),
    retireModule: ({ name }) => deciders.retireModule(name),
    execute: (command) => deciders.execute({ ...command, principal }),
    dryRun: ({ at, ...command }) => deciders.dryRun({ ...command, principal }, at),
    stateAt: ({ reference, streamId, at }) => deciders.stateAt(reference, streamId, at),
    streams: async ({ reference, prefix, after, limit }) => {
      const answer = await deciders.read(reference, {
        kind: 'streams',
        limit,
        ...(prefix === '' ? {} : { prefix }),
        ...(after === null ? {} : { after }),
      })
      if (answer.kind !== 'streams') throw mixedUp()
      return { streams: answer.streams, totals: answer.totals }
    },
    events: async ({ reference, streamId, from, limit }) => {
      const answer = await deciders.read(reference, { kind: 'events', streamId, from, limit })
      if (answer.kind !== 'events') throw mixedUp()
      return { head: answer.head, events: answer.events }
    },
    snapshots: async ({ reference, streamId }) => {
      const answer = await deciders.read(reference, { kind: 'snapshots', streamId })
      if (answer.kind !== 'snapshots') throw mixedUp()
      return answer.snapshots
    },
    outcomes: ({ name, limit }) => deciders.outcomes(name, limit),
    watchOutcomes: ({ name }, push) => deciders.onOutcome(name, (record) => push([record], 0)),
    metrics: () =>
      deciders.metrics.read().map((point) => ({ ...point, attributes: { ...point.attributes } })),
  }
}

function mixedUp(): PaddockError {
  return new PaddockError('internal.bug', 'The sandbox answered another question.')
}
