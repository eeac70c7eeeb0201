/** What sources announced so far, kept across restarts. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomically } from '../atomic-file.ts'

const recordSchema = z.object({
  /** First block not yet read, by source. */
  nextBlocks: z.record(z.string(), z.number().int().nonnegative()).default({}),
  /** What each announcement led to, by its key. */
  modules: z
    .record(
      z.string(),
      z.object({
        reference: z.string(),
        /** Null before its bundle could be read. */
        module: z.string().nullable(),
        isAllowed: z.boolean(),
        /** Whether it was brought in; otherwise it waits for the operator or for its source. */
        isLoaded: z.boolean(),
      }),
    )
    .default({}),
})
export type DiscoveryRecord = z.infer<typeof recordSchema>

/** An unreadable file begins anew: everything in it is announced again. */
export async function readDiscoveryRecord(file: string): Promise<DiscoveryRecord> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  try {
    return recordSchema.parse(JSON.parse(text))
  } catch {
    return recordSchema.parse({})
  }
}

export function writeDiscoveryRecord(file: string, record: DiscoveryRecord): Promise<void> {
  return writeFileAtomically(file, `${JSON.stringify(record)}\n`)
}
