/** How an instance is started: generation on disk, place, program, migrations, `on-start` (spec actors-sql 4.3, 16.5). */
import type { ActorFacts, startCauses } from '../../../../shared/contracts/actor.ts'
import { PaddockError, toErrorReport } from '../../../../shared/errors.ts'
import type { ActorControl } from './actor-control.ts'
import { guestFault } from './faults.ts'
import { ActorInstance, type Called } from './instance.ts'

export type StartCause = (typeof startCauses)[number]

/** Process and host faults: another attempt may do better. */
const transient: readonly string[] = ['sandbox.exited', 'sandbox.stopped', 'sandbox.start_timeout', 'sandbox.launch_failed',
  'sandbox.out_of_memory', 'sandbox.unresponsive', 'sandbox.protocol', 'sandbox.deadline', 'actor.host_lost',
  'sqlite.writer_busy', 'sqlite.remote_unavailable'] // prettier-ignore

/** Starts one instance of the actor; late once `attempt` is not the current one any more. Never rejects for a failed start. */
export async function startInstance(actor: ActorControl, attempt: number, cause: StartCause): Promise<void> {
  const { context } = actor
  let instance: ActorInstance | undefined
  try {
    const generation = actor.generation + 1
    // On disk before the instance runs: a crash must not hand it out again.
    await actor.put({
      id: actor.id,
      key: [...actor.key],
      generation,
      state: 'live',
      createdAt: cause === 'created' ? context.clock.now() : (actor.record?.createdAt ?? context.clock.now()),
      started: cause !== 'created',
    })
    if (!actor.isCurrent(attempt)) return
    instance = await place(actor, attempt, generation)
    if (instance === undefined) return
    const placed = instance
    // Waiting for a permit is no fault of the instance: its time begins with it.
    actor.setState('starting', null)
    await context.hosts.prepare(async () => {
      if (actor.isCurrent(attempt)) actor.setState('starting')
      await placed.load()
    })
    if (!actor.isCurrent(attempt)) return
    actor.setState('starting', context.config.budgets.migrationMs + context.thresholds.startingMs)
    expectDone(await instance.call('migrate', {}, context.config.budgets.migrationMs + 1_000))
    if (!actor.isCurrent(attempt)) return
    actor.setState('starting')
    const deadlineMs = Math.min(context.thresholds.startingMs, context.config.invocationMs)
    const settings = context.settings.map(([name, value]): [string, string] => [name, value])
    expectDone(await instance.call('start', { cause, input: null, settings }, deadlineMs))
    if (!actor.isCurrent(attempt)) return
    if (cause === 'created' && actor.record !== undefined) await actor.put({ ...actor.record, started: true })
    if (actor.isCurrent(attempt)) actor.serve(instance)
  } catch (error) {
    await fail(actor, attempt, instance, PaddockError.fromReport(toErrorReport(error)))
  }
}

/** A place in a host with the instance in it; undefined when the start has become late meanwhile. */
export async function place(
  actor: ActorControl,
  attempt: number,
  generation: number,
): Promise<ActorInstance | undefined> {
  const { context } = actor
  const host = await context.hosts.acquire()
  if (!actor.isCurrent(attempt)) {
    context.hosts.release(host)
    return undefined
  }
  actor.setState('starting')
  const { config, owner } = context
  const facts: ActorFacts = {
    namespace: context.namespace,
    actorId: actor.id,
    key: [...actor.key],
    generation,
    databasePath: context.hasDatabase ? context.files.database(actor.id) : null,
    placement: owner === null ? config.placement : 'remote',
    synchronous: config.synchronous,
    quotaBytes: config.databaseBytes,
    limits: config.limits,
    budgets: config.budgets,
  }
  try {
    await owner?.announce(facts)
    if (!actor.isCurrent(attempt)) {
      context.hosts.release(host)
      return undefined
    }
    const instance = new ActorInstance({
      facts,
      spec: context.spec,
      host,
      admission: context.createAdmission(),
      onHostCall: (call) => {
        if (owner === null)
          return Promise.reject(new PaddockError('internal.bug', 'Nobody owns databases here.'))
        // The triple is stamped here, from the channel the call came on (spec actors-sql 3.1).
        return owner.answer(actor.id, generation, call)
      },
      onLogs: context.guestLogs,
      onEnded: (each, error) => actor.onInstanceEnded(each, error),
    })
    actor.instance = instance
    return instance
  } catch (error) {
    // The process may have ended meanwhile: then no instance gives its place back.
    context.hosts.release(host)
    throw error
  }
}

function expectDone({ answer }: Called<'migrate' | 'start'>): void {
  if (answer.status === 'refused') throw PaddockError.fromReport(answer.error)
  if (answer.status === 'guest-error') throw guestFault(answer.error)
}

async function fail(
  actor: ActorControl,
  attempt: number,
  instance: ActorInstance | undefined,
  error: PaddockError,
): Promise<void> {
  const { context } = actor
  if (instance !== undefined) {
    instance.state = 'terminated'
    if (!instance.isGone) await instance.call('close', {}, context.config.closeMs).catch(() => undefined)
    await instance.end()
    await context.owner?.retire(actor.id, instance.generation).catch(() => undefined)
  }
  if (!actor.isCurrent(attempt)) return
  if (error.code === 'sqlite.corrupt') context.onNotice(actor.id, error)
  if (error.code === 'sqlite.remote_fence_mismatch') {
    // The file knows a higher generation than the directory: no instance of ours may be below it.
    const current = error.details?.['current']
    if (typeof current === 'number' && current > actor.generation) await actor.raiseGeneration(current)
    actor.startFailed(error, true)
    return
  }
  actor.startFailed(error, !transient.includes(error.code))
}
