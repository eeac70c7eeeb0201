import type { z } from 'zod'
import { HostRefusal } from '../../host-refusal.ts'
import type { GuestServices } from '../contract.ts'

/** The engine's answer to a host call, checked. Throws `HostRefusal`: the engine's own, or `internal`. */
export function askEngine<T>(
  services: GuestServices,
  capability: string,
  name: string,
  args: unknown[],
  schema: z.ZodType<T>,
): T {
  const parsed = schema.safeParse(services.callHost(capability, name, args))
  if (parsed.success) return parsed.data
  throw HostRefusal.of(capability, 'internal', 0, 'the host gave a malformed answer')
}
