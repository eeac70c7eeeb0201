import { z } from 'zod'
import type { Hex } from 'viem'

const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform(BigInt)
const address = hex(/^0x[0-9a-fA-F]{40}$/).transform((text) => text.toLowerCase() as Hex)
const data = hex(/^0x(?:[0-9a-fA-F]{2})*$/)

/** The parameter of `eth_sendTransaction` (execution-apis GenericTransaction). Unknown members are refused. */
const transactionSchema = z
  .strictObject({
    from: address,
    to: optional(address),
    value: optional(quantity),
    data: optional(data),
    input: optional(data),
    gas: optional(quantity),
    gasLimit: optional(quantity),
    nonce: optional(quantity),
    chainId: optional(quantity),
    type: optional(quantity),
    gasPrice: optional(quantity),
    maxFeePerGas: optional(quantity),
    maxPriorityFeePerGas: optional(quantity),
    accessList: optional(
      z
        .array(z.strictObject({ address, storageKeys: z.array(hex(/^0x[0-9a-fA-F]{64}$/)).max(1_024) }))
        .max(1_024),
    ),
  })
  .refine(({ data: a, input: b }) => a === null || b === null || a.toLowerCase() === b.toLowerCase(), {
    error: 'data and input differ',
  })
  .refine(
    (each) => each.gasPrice === null || (each.maxFeePerGas === null && each.maxPriorityFeePerGas === null),
    {
      error: 'gasPrice and maxFeePerGas exclude each other',
    },
  )
export type TransactionRequest = z.infer<typeof transactionSchema>

const paramsSchema = z.tuple([transactionSchema])

/** Reads the params of `eth_sendTransaction`; what is wrong as text otherwise. */
export function readTransactionRequest(params: unknown): TransactionRequest | string {
  const parsed = paramsSchema.safeParse(params)
  if (parsed.success) return parsed.data[0]
  const [issue] = parsed.error.issues
  return `${issue?.path.slice(1).join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim()
}

/** Left out and null are the same. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? null)
}

function hex(pattern: RegExp) {
  return z
    .string()
    .regex(pattern)
    .transform((text) => text as Hex)
}
