/** `nexum:host/http` on the guest's side: sizes are looked at here, everything else in the engine. */
import { z } from 'zod'
import { maxHttpRequestBytes } from '../../../shared/domain/limits.ts'
import { implement, ok, type HostInterface } from '../../binding/types.ts'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestServices } from '../contract.ts'
import { askEngine } from './bridged.ts'
import { orRefusal } from './host-errors.ts'
import { httpInterface } from './interfaces.ts'

const response = z.object({
  status: z.number().int().min(0).max(0xffff),
  headers: z.array(z.object({ name: z.string(), value: z.string() })),
  body: z.instanceof(Uint8Array),
})

/** Characters of method, URL and headers; the engine's own limits are lower. */
const maxHeadCharacters = 256 * 1024

export function httpHost(services: GuestServices): HostInterface {
  return implement(httpInterface, {
    fetch: (request) =>
      orRefusal(() => {
        let characters = request.method.length + request.url.length
        for (const { name, value } of request.headers) characters += name.length + value.length
        if (characters > maxHeadCharacters || (request.body?.length ?? 0) > maxHttpRequestBytes) {
          throw HostRefusal.of('http', 'invalid-input', 0, 'The request is larger than is allowed.')
        }
        return ok(askEngine(services, 'http', 'fetch', [request], response))
      }),
  })
}
