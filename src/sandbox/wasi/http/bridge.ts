import { z } from 'zod'
import { HostRefusal } from '../../host-refusal.ts'
import type { CallHost } from '../../programs/guest-program.ts'
import type { BridgedRequest, BridgedResponse } from './virtual-http.ts'

const response = z.object({
  status: z.number().int().min(0).max(0xffff),
  headers: z.array(z.object({ name: z.string(), value: z.string() })),
  body: z.instanceof(Uint8Array),
})

/** One exchange through the engine. Throws `HostRefusal`. */
export function fetchBridged(
  { callHost }: { readonly callHost: CallHost },
  request: BridgedRequest,
): BridgedResponse {
  const parsed = response.safeParse(callHost('http', 'fetch', [request]))
  if (parsed.success) return parsed.data
  throw HostRefusal.of('http', 'internal', 0, 'the host gave a malformed answer')
}
