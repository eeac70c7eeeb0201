/** A decider of orders in memory: it decides, folds, takes snapshots and remembers, as a real one does. */
import type { Decided, DeciderFailure, ExecutionOutcome } from '../../shared/contracts/decider.ts'
import type { DeciderView, EventView, OutcomeRecord } from '../../shared/contracts/decider-views.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { PaddockClient, PaddockHandlers } from '../../shared/ipc/schema.ts'
import { name, orderDecider, recordOf, sampleStats, snapshotEvery, textOf, utf8 } from './decider-samples.ts'
import { applyOrder, decideOrder, initialOrder, OrderRejection, type Order } from './order-rules.ts'

type Command = Parameters<PaddockHandlers['deciders']['execute']>[0]
type Projection = Awaited<ReturnType<PaddockClient['deciders']['projections']>>[number]

export class DeciderDouble {
  readonly views: DeciderView[] = [orderDecider('order-decider', '1.4.0', true)]
  readonly streams = new Map<string, EventView[]>()
  readonly projections: Projection[] = []
  /** Decides in place of the rules, once. */
  nextFailure: DeciderFailure | null = null
  /** Where the operator chose to export to; null for no file. */
  exportPath: string | null = '/tmp/stream.ndjson'
  readonly calls: { readonly call: string; readonly input: unknown }[] = []
  private readonly records: OutcomeRecord[] = []
  private readonly listeners = new Set<(record: OutcomeRecord) => void>()
  private readonly known = new Map<string, Decided>()
  private position = 0
  private time = Date.now() - 3_600_000

  /** Decides as the engine does, and tells who watches. */
  execute(type: string, payload: unknown, more: Partial<Command> = {}): ExecutionOutcome {
    return this.decide(
      {
        type,
        payload: utf8(JSON.stringify(payload)),
        commandId: null,
        expectedRevision: null,
        headers: {},
        reference: null,
        ...more,
      },
      null,
    )
  }

  readonly handlers: PaddockHandlers['deciders'] = {
    list: () => this.views,
    routes: () =>
      this.views
        .filter(({ active }) => active)
        .flatMap((view) =>
          view.descriptor.commands.map(({ type }) => ({
            type,
            name: view.name,
            version: view.version,
            module: view.module,
            artifact: view.artifact,
            inFlight: view.inFlight,
          })),
        ),
    planActivation: ({ reference }) => this.plan(reference),
    activate: ({ reference, takeover }) => {
      this.calls.push({ call: 'activate', input: { reference, takeover } })
      const report = this.plan(reference)
      const chosen = this.view(reference)
      this.views.forEach((view, index) => {
        const same = view.name === chosen.name
        const active = view === chosen || (view.active && !same)
        this.views[index] = { ...view, active }
      })
      return report
    },
    retire: () => false,
    retireModule: (input) => {
      this.calls.push({ call: 'retireModule', input })
      const types = this.views.filter((view) => view.name === input.name && view.active)
      this.views.forEach((view, index) => {
        if (view.name === input.name) this.views[index] = { ...view, active: false }
      })
      return types.flatMap((view) => view.descriptor.commands.map(({ type }) => type))
    },
    execute: (command) => this.decide(command, null),
    dryRun: ({ at, ...command }) => this.decide(command, { at }),
    stateAt: ({ streamId, at }) => {
      const events = this.streams.get(streamId) ?? []
      const revision = Math.min(at ?? events.length, events.length)
      const state = this.fold(streamId, revision)
      return {
        streamId,
        revision,
        head: events.length,
        snapshot: utf8(JSON.stringify(state)),
        replayed: revision,
        durationMs: 0.1 + revision * 0.05,
      }
    },
    streams: ({ prefix, after, limit }) => {
      const found = [...this.streams.keys()]
        .filter((id) => id.startsWith(prefix) && (after === null || id > after))
        .sort()
      const lengths = [...this.streams.values()].map((events) => events.length)
      return {
        streams: found.slice(0, limit).map((streamId) => {
          const events = this.streams.get(streamId) ?? []
          return {
            streamId,
            revision: events.length,
            lastPosition: events[events.length - 1]?.position ?? 0,
            createdAt: events[0]?.recordedAt ?? 0,
            updatedAt: events[events.length - 1]?.recordedAt ?? 0,
          }
        }),
        totals: {
          streams: this.streams.size,
          events: lengths.reduce((sum, each) => sum + each, 0),
          lastPosition: this.position,
          usedBytes: this.position * 120,
        },
      }
    },
    events: ({ streamId, from, limit }) => {
      const events = this.streams.get(streamId) ?? []
      return { head: events.length, events: events.slice(from - 1, from - 1 + limit) }
    },
    exportStream: (input) => {
      this.calls.push({ call: 'exportStream', input })
      const events = this.streams.get(input.streamId) ?? []
      return this.exportPath === null
        ? null
        : { path: this.exportPath, decisions: events.length, events: events.length }
    },
    snapshots: ({ reference, streamId }) => {
      const events = this.streams.get(streamId) ?? []
      const revision = Math.floor(events.length / snapshotEvery) * snapshotEvery
      if (revision === 0) return []
      const view = this.view(reference)
      return [
        {
          streamId,
          moduleVersion: view.version,
          artifact: view.artifact,
          revision,
          sizeBytes: JSON.stringify(this.fold(streamId, revision)).length,
          takenAt: events[revision - 1]?.recordedAt ?? 0,
        },
      ]
    },
    outcomes: ({ name, limit }) =>
      this.records
        .filter((record) => name === null || record.name === name)
        .reverse()
        .slice(0, limit),
    watchOutcomes: (_input, push) => {
      const listener = (record: OutcomeRecord): void => push([record], 0)
      this.listeners.add(listener)
      return () => void this.listeners.delete(listener)
    },
    projections: () => this.projections,
    retryProjection: (input) => this.settle('retryProjection', input),
    skipProjection: (input) => this.settle('skipProjection', input),
    metrics: () => [],
  }

  private settle(call: string, input: { module: string }): void {
    this.calls.push({ call, input })
    const index = this.projections.findIndex(({ module }) => module === input.module)
    const projection = this.projections[index]
    if (projection === undefined || projection.poison === null)
      throw new PaddockError('module.unknown', 'No projection has stopped there.')
    const position = projection.poison.position
    this.projections[index] = { ...projection, state: 'following', attempts: 0, poison: null, position }
  }

  private view(reference: string): DeciderView {
    const view = this.views.find(
      (each) => `${each.name}@${each.version}` === reference || each.name === reference,
    )
    if (view === undefined) throw new PaddockError('decider.unroutable', `${reference} is not loaded.`)
    return view
  }

  private plan(reference: string): ReturnType<PaddockHandlers['deciders']['planActivation']> {
    const view = this.view(reference)
    const before = this.views.find((each) => each.active && each.name === view.name)
    const types = view.descriptor.commands.map(({ type }) => type)
    return {
      activated: types.map((type) => ({
        type,
        before: before === undefined ? null : `${before.name}@${before.version}`,
      })),
      dropped:
        before?.descriptor.commands.map(({ type }) => type).filter((type) => !types.includes(type)) ?? [],
      takenOver: this.views
        .filter((each) => each.active && each.name !== view.name)
        .flatMap((each) =>
          each.descriptor.commands
            .filter(({ type }) => types.includes(type))
            .map(({ type }) => ({ type, from: `${each.name}@${each.version}` })),
        ),
    }
  }

  private fold(streamId: string, revision: number): Order {
    return (this.streams.get(streamId) ?? [])
      .slice(0, revision)
      .reduce<Order>((order, { type, payload }) => applyOrder(order, type, textOf(payload)), initialOrder)
  }

  private decide(command: Command, dry: { readonly at: number | null } | null): ExecutionOutcome {
    const outcome = this.outcomeOf(command, dry)
    if (dry === null) {
      const record = recordOf(this.records.length + 1, Math.min(this.time, Date.now()), command, outcome)
      this.records.push(record)
      for (const listener of this.listeners) listener(record)
    }
    return outcome
  }

  private outcomeOf(command: Command, dry: { readonly at: number | null } | null): ExecutionOutcome {
    const failure = this.nextFailure
    this.nextFailure = null
    if (failure !== null) return { outcome: 'faulted', failure, stats: null }
    const repeated = command.commandId === null ? undefined : this.known.get(command.commandId)
    if (repeated !== undefined) return { ...repeated, duplicate: true }
    const payload = JSON.parse(textOf(command.payload)) as { readonly order?: string }
    const streamId = `order-${payload.order ?? 'none'}`
    const events = this.streams.get(streamId) ?? []
    const head = dry?.at ?? events.length
    const stats = sampleStats(head)
    const about = { module: name, version: '1.4.0', commandType: command.type, streamId }
    const expected = command.expectedRevision
    if (expected !== null && expected !== events.length) {
      const error = new PaddockError(
        'decider.conflict',
        `The command lost against another: the stream is at revision ${events.length}.`,
        { details: { reason: 'stream_moved', currentRevision: events.length } },
      ).toReport()
      return {
        outcome: 'faulted',
        failure: { error, domain: 'paddock.decider', retry: 'no', ...about },
        stats,
      }
    }
    try {
      const decided = decideOrder(this.fold(streamId, head), command.type, payload)
      this.time += 61_000
      const recorded = decided.map(({ type, data }, index): EventView => {
        const position = this.position + index + 1
        return {
          id: `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`,
          streamId,
          revision: events.length + index + 1,
          position,
          type,
          payload: utf8(JSON.stringify(data)),
          headers: command.headers,
          batchIndex: index,
          batchSize: decided.length,
          recordedAt: Math.min(this.time, Date.now()),
        }
      })
      if (dry === null) {
        this.position += recorded.length
        this.streams.set(streamId, [...events, ...recorded])
      }
      const outcome = {
        outcome: 'decided' as const,
        ...about,
        firstRevision: dry === null ? events.length + 1 : 0,
        lastRevision: dry === null ? events.length + recorded.length : 0,
        lastPosition: this.position,
        events: recorded.map(({ id, type, payload: bytes, revision }) => ({
          id,
          type,
          payload: bytes,
          revision: dry === null ? revision : null,
        })),
        duplicate: false,
        stats: { ...stats, guard: 'at' as const, appendMs: dry === null ? 0.4 : 0 },
      }
      if (dry === null && command.commandId !== null) this.known.set(command.commandId, outcome)
      return outcome
    } catch (thrown) {
      if (!(thrown instanceof OrderRejection)) throw thrown
      return {
        outcome: 'rejected',
        failure: {
          error: new PaddockError('decider.rejected', thrown.message).toReport(),
          domain: name,
          retry: 'no',
          ...about,
          phase: 'decide',
          reason: { code: thrown.code, message: thrown.message, details: thrown.details },
        },
        stats,
      }
    }
  }
}
