/** What the console asks of deciders. */
import { dialog } from 'electron'
import { exportStream } from '../../../engine/contracts/decider/export-stream.ts'
import type { PaddockHandlers } from '../../../shared/ipc/schema.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { HandlerContext } from './context.ts'

/** Who sends what the console sends, to an authoriser. */
const principal = 'console'

export function deciderHandlers({ engine, window }: HandlerContext): PaddockHandlers['deciders'] {
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
    exportStream: async ({ reference, streamId }) => {
      const options = {
        title: 'Export stream',
        defaultPath: `${streamId.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100)}.ndjson`,
      }
      const parent = window()
      const { filePath } = await (parent === null
        ? dialog.showSaveDialog(options)
        : dialog.showSaveDialog(parent, options))
      if (filePath === '') return null
      return { path: filePath, ...(await exportStream(deciders, reference, streamId, filePath)) }
    },
    snapshots: async ({ reference, streamId }) => {
      const answer = await deciders.read(reference, { kind: 'snapshots', streamId })
      if (answer.kind !== 'snapshots') throw mixedUp()
      return answer.snapshots
    },
    outcomes: ({ name, limit }) => deciders.outcomes(name, limit),
    watchOutcomes: ({ name }, push) => deciders.onOutcome(name, (record) => push([record], 0)),
    projections: () => engine.deciderEvents.projections(),
    retryProjection: ({ module, source }) => engine.deciderEvents.retry(module, source),
    skipProjection: ({ module, source }) => engine.deciderEvents.skip(module, source),
    metrics: () =>
      deciders.metrics.read().map((point) => ({ ...point, attributes: { ...point.attributes } })),
  }
}

function mixedUp(): PaddockError {
  return new PaddockError('internal.bug', 'The sandbox answered another question.')
}
