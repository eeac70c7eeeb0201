/** `nexum:host/messaging` on the guest's side: sizes are looked at here, everything else in the engine. */
import { z } from 'zod'
import { maxMessageBytes, maxTopicCharacters } from '../../../shared/domain/limits.ts'
import { implement, ok, type HostInterface } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestServices } from '../contract.ts'
import { askEngine } from './bridged.ts'
import { orRefusal } from './host-errors.ts'
import { messagingInterface } from './interfaces.ts'

const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const nothing = z.undefined().or(z.null())
const u64 = z.bigint().min(0n).max(0xffff_ffff_ffff_ffffn)
const messages = z.array(
  z.object({
    contentTopic: z.string(),
    payload: bytes,
    timestamp: u64,
    sender: z.union([bytes, z.undefined()]),
  }),
)

export function messagingHost(services: GuestServices): HostInterface {
  return implement(messagingInterface, {
    publish: (topic, payload) =>
      orRefusal(() => {
        refuseOversized(topic, payload.length)
        askEngine(services, 'messaging', 'publish', [topic, payload], nothing)
        return ok()
      }),
    query: (topic, start, end, limit) =>
      orRefusal(() => {
        refuseOversized(topic, 0)
        return ok(askEngine(services, 'messaging', 'query', [topic, start, end, limit], messages))
      }),
  })
}

function refuseOversized(topic: string, payloadBytes: number): void {
  if (topic.length <= maxTopicCharacters && payloadBytes <= maxMessageBytes) return
  throw HostRefusal.of('messaging', 'invalid-input', 0, 'The topic or the payload is larger than is allowed.')
}
