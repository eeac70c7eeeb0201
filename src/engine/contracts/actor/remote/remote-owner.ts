/** The databases of one module's actors in another engine, as the control side sees them. */
import { isRemoteMethod, faultAnswer, remoteFactsSchema } from './messages.ts'
import { databaseCapability } from '../../../../shared/contracts/actor-owner.ts'
import type { ActorFacts } from '../../../../shared/contracts/actor.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { HostCall, HostOutcome } from '../../../../shared/sandbox/protocol.ts'
import type { DatabaseOwner } from '../control/actor-context.ts'
import type { RemoteClient } from './client.ts'

export class RemoteOwner implements DatabaseOwner {
  private readonly namespace: string
  private readonly client: RemoteClient

  constructor(namespace: string, client: RemoteClient) {
    this.namespace = namespace
    this.client = client
    client.connect()
  }

  announce(facts: ActorFacts): Promise<void> {
    const { databasePath: _path, placement: _placement, ...rest } = facts
    return this.client.announce(remoteFactsSchema.parse(rest))
  }

  /** Never rejects: an owner that is away learns it from the next announcement. */
  async retire(actorId: string, generation: number): Promise<void> {
    await this.client.retire(this.namespace, actorId, generation).catch(() => undefined)
  }

  async destroy(actorId: string, generation: number): Promise<void> {
    await this.client.destroy(this.namespace, actorId, generation)
  }

  /** The triple is stamped by the caller, from the thread that asked; the message of the guest names nobody. */
  async answer(actorId: string, generation: number, call: HostCall): Promise<HostOutcome> {
    const [args, operation] = call.args
    const method = call.function
    if (call.capability !== databaseCapability || !Array.isArray(args) || typeof operation !== 'string') {
      throw new PaddockError('sandbox.protocol', 'A guest thread called what its contract does not have.')
    }
    if (!isRemoteMethod(method)) {
      const val = { feature: method, direction: 'to-host', requiredVersion: 0, targetVersion: 0 }
      return { ok: true, value: faultAnswer('incompatible', val) }
    }
    const { namespace } = this
    const request = { namespace, actorId, generation, method, args: args as unknown[] }
    return { ok: true, value: await this.client.sql(request, operation) }
  }

  close(): Promise<void> {
    this.client.close()
    return Promise.resolve()
  }
}
