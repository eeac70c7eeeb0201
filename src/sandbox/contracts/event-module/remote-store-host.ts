/** `nexum:host/remote-store` on the guest's side: sizes are looked at here, everything else in the engine. */
import { z } from 'zod'
import { maxRemoteContentBytes } from '../../../shared/domain/limits.ts'
import { implement, ok, type HostInterface } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestServices } from '../contract.ts'
import { askEngine } from './bridged.ts'
import { orRefusal } from './host-errors.ts'
import { remoteStoreInterface } from './interfaces.ts'

const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
const optionalBytes = z.union([bytes, z.undefined()])

export function remoteStoreHost(services: GuestServices): HostInterface {
  const ask = <T>(name: string, args: Uint8Array[], schema: z.ZodType<T>): T => {
    if (args.some((each) => each.length > maxRemoteContentBytes)) {
      throw HostRefusal.of('remote-store', 'invalid-input', 0, 'The content is larger than is allowed.')
    }
    return askEngine(services, 'remote-store', name, args, schema)
  }
  return implement(remoteStoreInterface, {
    upload: (data) => orRefusal(() => ok(ask('upload', [data], bytes))),
    download: (reference) => orRefusal(() => ok(ask('download', [reference], bytes))),
    readFeed: (owner, topic) => orRefusal(() => ok(ask('read-feed', [owner, topic], optionalBytes))),
    writeFeed: (topic, data) => orRefusal(() => ok(ask('write-feed', [topic, data], bytes))),
  })
}
