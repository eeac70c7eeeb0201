/** An actor as the operator sees it (spec actors-sql 18). */
import type { ActorView } from '../../../shared/domain/actor.ts'
import type { Actor } from './control/actor.ts'

export async function actorView(actor: Actor): Promise<ActorView> {
  return {
    id: actor.id,
    key: [...actor.key],
    generation: Math.max(1, actor.generation),
    state: actor.state,
    since: actor.since,
    createdAt: actor.record?.createdAt ?? 0,
    lastRequestAt: actor.lastRequestAt,
    requests: actor.requests,
    queued: actor.queue.size,
    running: actor.current !== undefined,
    sizeBytes: await actor.context.files.sizeOf(actor.id),
    pid: actor.instance?.host.pid ?? null,
    lastError: actor.lastError,
  }
}
