/** Shapes that several groups of calls share. */
import { z } from 'zod'
import { moduleNameSchema } from '../../domain/primitives.ts'

export const nothing = z.void()
export const moduleRef = z.object({ name: moduleNameSchema })
export const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array)
export const path = z.string().min(1).max(4_096)
/** Compiling a large component takes tens of seconds on a slow machine. */
export const slow = { timeoutMs: 300_000 }
