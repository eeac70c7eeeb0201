/** What of projections must outlive the engine: the event each stopped at and why, and what the operator skipped. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { errorReportSchema } from '../../../shared/domain/primitives.ts'
import { writeFileAtomically } from '../../atomic-file.ts'

/** Its file in the state directory. */
export const projectionMemoryFile = 'projections.json'

/** Skipped events that are remembered of each projection; those before have long been passed. */
const maxSkipped = 256

const position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const keptSchema = z.object({
  poison: z
    .object({
      reason: z.enum(['verdict', 'exhausted', 'error', 'crash']),
      position,
      error: errorReportSchema,
    })
    .nullable(),
  /** Positions of events that are not told again. */
  skipped: z.array(position),
})
const memorySchema = z.object({ format: z.literal(1), projections: z.record(z.string(), keptSchema) })
export type KeptProjection = z.infer<typeof keptSchema>

const nothing: KeptProjection = { poison: null, skipped: [] }

export class ProjectionMemory {
  private readonly file: string
  private kept: Promise<Map<string, KeptProjection>> | undefined
  private writing: Promise<void> = Promise.resolve()

  constructor(file: string) {
    this.file = file
  }

  /** Of one projection. Never rejects: what cannot be read is not remembered, and the events are told again. */
  async read(module: string, source: string): Promise<KeptProjection> {
    return (await this.all()).get(key(module, source)) ?? nothing
  }

  /** Remembers it; settles when it is on disk. A file that cannot be written costs only the memory. */
  async write(module: string, source: string, kept: KeptProjection): Promise<void> {
    const all = await this.all()
    const isNothing = kept.poison === null && kept.skipped.length === 0
    if (isNothing) all.delete(key(module, source))
    else all.set(key(module, source), { ...kept, skipped: kept.skipped.slice(-maxSkipped) })
    const text = JSON.stringify({ format: 1, projections: Object.fromEntries(all) })
    this.writing = this.writing.then(() => writeFileAtomically(this.file, text)).catch(() => undefined)
    await this.writing
  }

  /** Settles when everything is on disk. */
  flush(): Promise<void> {
    return this.writing
  }

  private all(): Promise<Map<string, KeptProjection>> {
    this.kept ??= this.load()
    return this.kept
  }

  private async load(): Promise<Map<string, KeptProjection>> {
    try {
      const { projections } = memorySchema.parse(JSON.parse(await readFile(this.file, 'utf8')))
      return new Map(Object.entries(projections))
    } catch {
      return new Map()
    }
  }
}

function key(module: string, source: string): string {
  return `${module} ${source}`
}
