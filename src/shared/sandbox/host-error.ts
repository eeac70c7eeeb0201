import { z } from 'zod'

/** Kinds of `nexum:host/types#host-error-kind`, also used for every bridged host call. */
export const hostErrorKinds = [
  'unsupported',
  'unavailable',
  'denied',
  'rate-limited',
  'timeout',
  'invalid-input',
  'internal',
] as const

/** The one error shape a guest sees and returns (spec nexum-host 7). */
export const hostErrorSchema = z.object({
  domain: z.string().max(256),
  kind: z.enum(hostErrorKinds),
  code: z.number().int().min(-2147483648).max(2147483647),
  message: z.string().max(65_536),
  data: z
    .string()
    .max(4 * 1024 * 1024)
    .optional(),
})
export type HostError = z.infer<typeof hostErrorSchema>
export type HostErrorKind = HostError['kind']
