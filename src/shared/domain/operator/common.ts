import { z } from 'zod'

/** A whole number above zero: zero would disable the mechanism (spec nexum-host 5.3). */
export const positive = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)
export const wholeNumber = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
/** One millisecond to 24 hours (spec nexum-host 5.3). */
export const timeoutMs = z.number().int().min(1).max(86_400_000)

/** An http or https address of a service. */
export const serviceUrlSchema = z.string().max(2_048).refine(isServiceUrl, {
  error: 'an http or https address',
})

function isServiceUrl(text: string): boolean {
  try {
    const { protocol } = new URL(text)
    return (protocol === 'http:' || protocol === 'https:') && !/\s/.test(text)
  } catch {
    return false
  }
}

/** An account or contract, lower-case. */
export const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, '0x and 40 hexadecimal digits')
  .transform((text) => text.toLowerCase())

/** A secp256k1 private key. Never leaves the main process and never enters a log. */
export const privateKeySchema = z
  .string()
  .regex(/^(0x)?[0-9a-fA-F]{64}$/, '64 hexadecimal digits')
  .transform((text) => (text.startsWith('0x') ? text : `0x${text}`).toLowerCase())

const octet = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${octet}(\\.${octet}){3}(/(3[0-2]|[12]?\\d))?$`)
const ipv6 = /^(?=.*:.*:)[0-9a-fA-F:.]{2,45}(\/(12[0-8]|1[01]\d|[1-9]?\d))?$/

/** An IP address or a range in CIDR form that modules may reach although it is private (spec nexum-host 8.8). */
export const destinationSchema = z
  .string()
  .refine((text) => ipv4.test(text) || ipv6.test(text), 'an IP address or a range such as 10.0.0.0/8')

/** A JSON-RPC method name. */
export const methodSchema = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'a JSON-RPC method name')

/** Where a loopback listener binds, such as `127.0.0.1:9100` or `[::1]:9100`; port 0 takes a free one. */
export const listenAddressSchema = z
  .string()
  .max(300)
  .refine(
    (text) => /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.test(text) && portOf(text) <= 65_535,
    'host:port, for instance 127.0.0.1:9100',
  )

function portOf(text: string): number {
  return Number(text.slice(text.lastIndexOf(':') + 1))
}
