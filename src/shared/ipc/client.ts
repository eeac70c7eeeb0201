/** The page's typed client over what the preload script exposes. */
import { PaddockError } from '../errors.ts'
import { envelopeSchema } from './envelope.ts'
import type { PaddockClient } from './schema.ts'
import { ipcSurface } from './surface.ts'

/** What the preload script puts on `window.paddock`: functions by group and name, and file paths. */
export interface PaddockBridge {
  readonly ipc: Readonly<Record<string, Readonly<Record<string, (...values: never[]) => unknown>>>>
  /** Absolute path of a file or folder dropped on the window, or '' when it has none. */
  readonly files: { pathForFile(file: File): string }
}

/** A `File` of the DOM; declared here because this layer compiles without DOM types. */
interface File {
  readonly name: string
}

async function unwrap(answer: unknown): Promise<unknown> {
  const parsed = envelopeSchema.safeParse(await answer)
  if (!parsed.success)
    throw new PaddockError('internal.bug', 'The main process sent an answer without an envelope.')
  if (!parsed.data.ok) throw PaddockError.fromReport(parsed.data.error)
  return parsed.data.data
}

/** Calls of the client reject with `PaddockError`, code and remedy intact. */
export function createClient(bridge: PaddockBridge): PaddockClient {
  const client: Record<string, Record<string, unknown>> = {}
  for (const [group, members] of Object.entries(ipcSurface)) {
    const functions: Record<string, unknown> = {}
    for (const [name, kind] of Object.entries(members)) {
      const raw = bridge.ipc[group]?.[name] as ((input: unknown) => unknown) | undefined
      if (raw === undefined) throw new PaddockError('internal.bug', `The bridge lacks ${group}.${name}.`)
      functions[name] = kind === 'call' ? (input: unknown) => unwrap(raw(input)) : raw
    }
    client[group] = functions
  }
  // The surface is checked against the schema by type; the preload is built from the same surface.
  return client as unknown as PaddockClient
}
