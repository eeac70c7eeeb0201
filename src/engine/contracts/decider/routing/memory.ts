/** What of the deciders' rollout must outlive the engine: which version is active, and what each version's build was. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomically } from '../../../atomic-file.ts'

/** Its file in the state directory. */
export const deciderMemoryFile = 'deciders.json'

const activeSchema = z.object({
  version: z.string(),
  /** The installed module that brought it. */
  module: z.string(),
  /** Types that the operator retired. */
  retired: z.array(z.string()),
})
const memorySchema = z.object({
  format: z.literal(1),
  active: z.record(z.string(), activeSchema),
  /** SHA-256 of the component by `name@version`. */
  artifacts: z.record(z.string(), z.string()),
})
type Memory = z.infer<typeof memorySchema>
export type ActiveVersion = z.infer<typeof activeSchema>

export class DeciderMemory {
  private readonly file: string
  private readonly onFault: (error: unknown) => void
  private memory: Memory = { format: 1, active: {}, artifacts: {} }
  private writing: Promise<void> = Promise.resolve()

  constructor(file: string, onFault: (error: unknown) => void) {
    this.file = file
    this.onFault = onFault
  }

  /** Reads what was kept. A file that cannot be read is told of; then nothing is remembered. */
  async open(): Promise<void> {
    try {
      const parsed = memorySchema.safeParse(JSON.parse(await readFile(this.file, 'utf8')))
      if (parsed.success) this.memory = parsed.data
      else this.onFault(new Error(`${this.file} is malformed`))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.onFault(error)
    }
  }

  active(name: string): ActiveVersion | undefined {
    return Object.hasOwn(this.memory.active, name) ? this.memory.active[name] : undefined
  }

  /** The name of the decider that an installed module brought and that is active; undefined for none. */
  nameBroughtBy(module: string): string | undefined {
    return Object.entries(this.memory.active).find(([, active]) => active.module === module)?.[0]
  }

  setActive(name: string, active: ActiveVersion | null): void {
    const { [name]: _before, ...others } = this.memory.active
    this.memory = { ...this.memory, active: active === null ? others : { ...others, [name]: active } }
    this.save()
  }

  /** Notes the build of a version; answers the one noted before when it was another. */
  noteArtifact(reference: string, artifact: string): string | null {
    const before = Object.hasOwn(this.memory.artifacts, reference)
      ? this.memory.artifacts[reference]
      : undefined
    if (before === artifact) return null
    this.memory = { ...this.memory, artifacts: { ...this.memory.artifacts, [reference]: artifact } }
    this.save()
    return before ?? null
  }

  /** Settles when everything is on disk. */
  flush(): Promise<void> {
    return this.writing
  }

  private save(): void {
    const text = JSON.stringify(this.memory)
    this.writing = this.writing.then(() => writeFileAtomically(this.file, text)).catch(this.onFault)
  }
}
