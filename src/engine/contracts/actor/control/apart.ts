/** An instance that serves nobody, for work on a stopped actor such as an import (spec actors-sql 15.4). */
import { PaddockError } from '../../../../shared/errors.ts'
import type { ActorControl } from './actor-control.ts'
import type { ActorInstance } from './instance.ts'
import { place } from './start-sequence.ts'

/** Runs `work` before migrations and `on-start`, on a generation of its own; nothing is left open. Throws what failed. */
export async function runApart<T>(
  actor: ActorControl,
  attempt: number,
  work: (instance: ActorInstance) => Promise<T>,
): Promise<T> {
  const { context, record } = actor
  const isThere = record !== undefined && record.state === 'live'
  await actor.put({
    id: actor.id,
    key: [...actor.key],
    generation: actor.generation + 1,
    state: 'live',
    createdAt: isThere ? record.createdAt : context.clock.now(),
    // What is imported was created elsewhere: it is woken, not created.
    started: true,
  })
  const instance = await place(actor, attempt, actor.generation)
  if (instance === undefined) throw new PaddockError('actor.stopping', 'The module is stopping.')
  try {
    await instance.load()
    return await work(instance)
  } finally {
    instance.state = 'terminated'
    if (!instance.isGone) await instance.call('close', {}, context.config.closeMs).catch(() => undefined)
    await instance.end()
    actor.instance = undefined
  }
}
