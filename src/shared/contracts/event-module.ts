/** Values of the event-module contract between its engine side and its guest side (spec nexum-host 1, 8.1). */
import { z } from 'zod'

const u64 = z.bigint().min(0n).max(0xffff_ffff_ffff_ffffn)
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)

export const guestLogSchema = z.object({
  chainId: u64,
  address: bytes,
  topics: z.array(bytes).max(4),
  data: bytes,
  blockNumber: u64,
  transactionHash: bytes,
  logIndex: z.number().int().min(0).max(0xffff_ffff),
})

export const guestEventSchema = z.discriminatedUnion('tag', [
  z.object({
    tag: z.literal('block'),
    val: z.object({ chainId: u64, number: u64, hash: bytes, timestamp: u64 }),
  }),
  z.object({ tag: z.literal('logs'), val: z.array(guestLogSchema) }),
  z.object({ tag: z.literal('tick'), val: z.object({ firedAt: u64 }) }),
  z.object({
    tag: z.literal('message'),
    val: z.object({ contentTopic: z.string(), payload: bytes, timestamp: u64, sender: bytes.optional() }),
  }),
])
export type GuestEvent = z.infer<typeof guestEventSchema>

export const eventModuleContractId = 'event-module'

/** Operations of the guest side: payload of `init` is the flattened config, of `on-event` the event. */
export const guestConfigSchema = z.array(z.tuple([z.string(), z.string()]))
export type GuestConfig = z.infer<typeof guestConfigSchema>
