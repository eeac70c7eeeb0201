/** Orders as guests hand them over: checked before any I/O, then written anew (spec nexum-host 8.7). */
import { z } from 'zod'
import { keccakInTurns } from '../../keccak.ts'

const maxUint256 = 2n ** 256n - 1n
const zeroAddress = `0x${'0'.repeat(40)}`

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform((text) => text.toLowerCase())
const amount = z
  .string()
  .regex(/^\d{1,78}$/)
  .refine((text) => BigInt(text) <= maxUint256)
const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform((text) => text.toLowerCase())
const hexBytes = z.string().regex(/^0x(?:[0-9a-fA-F]{2})*$/)

const orderSchema = z.object({
  sellToken: address,
  buyToken: address,
  receiver: address.nullish(),
  sellAmount: amount,
  buyAmount: amount,
  feeAmount: amount,
  // No upper bound in time: orders of the EthFlow contract never end.
  validTo: z.number().int().min(0).max(0xffff_ffff),
  appData: z.string(),
  appDataHash: hash,
  kind: z.enum(['sell', 'buy']),
  partiallyFillable: z.boolean(),
  sellTokenBalance: z.enum(['erc20', 'external', 'internal']),
  buyTokenBalance: z.enum(['erc20', 'internal']),
  signingScheme: z.enum(['eip712', 'ethsign', 'eip1271', 'presign']),
  signature: hexBytes,
  from: address,
  quoteId: z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER).nullish(),
})
type Order = z.infer<typeof orderSchema>

export type CheckedOrder =
  { readonly ok: true; readonly json: string } | { readonly ok: false; readonly reason: string }

/** Checks an order in UTF-8 JSON; members that the order book does not know are dropped. Never rejects. */
export async function checkOrder(bytes: Uint8Array): Promise<CheckedOrder> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return refused('The order is not JSON in UTF-8.')
  }
  const parsed = orderSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue === undefined ? '' : issue.path.join('.')
    return refused(
      where === '' ? 'The order is not an object.' : `The order's ${where} is not as it must be.`,
    )
  }
  const order = parsed.data
  if (order.from === zeroAddress) return refused('The order is from the zero address.')
  if ((await keccakInTurns(new TextEncoder().encode(order.appData))) !== order.appDataHash) {
    return refused('appDataHash is not the digest of appData.')
  }
  const signature = checkSignature(order)
  if (signature !== null) return refused(signature)
  return { ok: true, json: serialise(order) }
}

function checkSignature({ signingScheme, signature, from }: Order): string | null {
  const length = (signature.length - 2) / 2
  switch (signingScheme) {
    case 'eip712':
    case 'ethsign':
      return length === 65 ? null : 'The signature has not 65 bytes.'
    case 'presign':
      return length === 0 || signature.toLowerCase() === from
        ? null
        : 'The signature of a presigned order is empty or its owner.'
    case 'eip1271':
      return null
  }
}

/** Members in the order of the specification; a zero receiver stands for none. */
function serialise(order: Order): string {
  const { receiver, quoteId, ...rest } = order
  return JSON.stringify({
    sellToken: rest.sellToken,
    buyToken: rest.buyToken,
    ...(receiver === undefined || receiver === null || receiver === zeroAddress ? {} : { receiver }),
    sellAmount: rest.sellAmount,
    buyAmount: rest.buyAmount,
    feeAmount: rest.feeAmount,
    validTo: rest.validTo,
    appData: rest.appData,
    appDataHash: rest.appDataHash,
    kind: rest.kind,
    partiallyFillable: rest.partiallyFillable,
    sellTokenBalance: rest.sellTokenBalance,
    buyTokenBalance: rest.buyTokenBalance,
    signingScheme: rest.signingScheme,
    signature: rest.signature,
    from: rest.from,
    ...(quoteId === undefined || quoteId === null ? {} : { quoteId }),
  })
}

function refused(reason: string): CheckedOrder {
  return { ok: false, reason }
}

/** The UID of an order in the order book's answer, 0x and 112 lower-case digits; null for anything else. */
export function readOrderUid(body: string): string | null {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return null
  }
  return typeof value === 'string' && /^0x[0-9a-fA-F]{112}$/.test(value) ? value.toLowerCase() : null
}

const envelopeSchema = z.looseObject({ errorType: z.string(), description: z.string() })

/** A rejection by the order book as JSON text with its own `data`; null for any other body. */
export function readRejection(body: string): string | null {
  try {
    return JSON.stringify(envelopeSchema.parse(JSON.parse(body)))
  } catch {
    return null
  }
}
