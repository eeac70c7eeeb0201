import { z } from 'zod'
import { errorCodes, type ErrorCode, type ErrorReport } from '../errors.ts'

/** EIP-155 network number as decimal text, because a u64 does not fit a JavaScript number. */
export const chainIdSchema = z
  .string()
  .regex(/^(0|[1-9]\d{0,19})$/, { error: 'a decimal number', abort: true })
  .refine((text) => BigInt(text) <= 0xffff_ffff_ffff_ffffn, 'at most 2^64 - 1')
export type ChainId = z.infer<typeof chainIdSchema>

/** Unix time in milliseconds. */
export const timestampMsSchema = z.number().int().nonnegative()

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits')

/** Name of a module: keys its state, logs and metrics (spec nexum-host 3.1). */
export const moduleNameSchema = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => name.trim() === name, 'no blanks at its ends')
  .refine((name) => !/[/\\\0]/.test(name) && !name.includes('..'), 'no "/", "\\" or ".."')

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]

export const errorReportSchema: z.ZodType<ErrorReport> = z.object({
  code: z.enum(codes),
  message: z.string().max(16_384),
  remedy: z.string().max(4_096),
  details: z.record(z.string(), z.unknown()).optional(),
}) as unknown as z.ZodType<ErrorReport>

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const
export const logLevelSchema = z.enum(logLevels)
export type LogLevel = z.infer<typeof logLevelSchema>
