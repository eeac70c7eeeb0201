/** The file that keeps secrets: names and times as they are, values sealed. */
import { mkdir, open, readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { secretNameSchema } from '../../../shared/contracts/tool.ts'
import { timestampMsSchema } from '../../../shared/domain/primitives.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { writeFileAtomically } from '../../atomic-file.ts'
import { errnoOf } from '../../errno.ts'

const fileVersion = 1
const maxFileBytes = 64 * 1_048_576
export const maxSecrets = 256

const sealedSchema = z.base64()

const recordSchema = z.strictObject({
  name: secretNameSchema,
  createdAt: timestampMsSchema,
  updatedAt: timestampMsSchema,
  lastUsedAt: timestampMsSchema.nullable(),
  value: sealedSchema,
})
export type SecretRecord = z.infer<typeof recordSchema>

const contentSchema = z
  .strictObject({
    version: z.literal(fileVersion),
    /** Which store it is: part of what each value is bound to. */
    id: z.string().regex(/^[0-9a-f]{32}$/),
    /** Something known, sealed: it tells another key from a damaged value. */
    check: sealedSchema,
    secrets: z.array(recordSchema).max(maxSecrets),
  })
  .refine(({ secrets }) => new Set(secrets.map(({ name }) => name)).size === secrets.length)
export type SecretsContent = z.infer<typeof contentSchema>

/**
 * What the file holds; null where there is none, and where it is damaged: it is then moved aside and never lost. Throws
 * `secret.store_newer`, `secret.unreadable`.
 */
export async function readSecretsFile(file: string, now: number): Promise<SecretsContent | null> {
  const text = await readText(file)
  if (text === null) return null
  const value = parse(text)
  const content = contentSchema.safeParse(value)
  if (content.success) return content.data
  const newer = z.object({ version: z.number().gt(fileVersion) }).safeParse(value)
  if (newer.success) {
    throw new PaddockError('secret.store_newer', 'The secrets were written by a newer version of Paddock.')
  }
  try {
    await rename(file, `${file}.damaged-${now}`)
  } catch (error) {
    throw unreadable(error)
  }
  return null
}

/** What to tell of a damaged file that was moved aside, for as long as it is there; null where there is none. */
export async function damagedNotice(file: string): Promise<PaddockError | null> {
  const beside = await readdir(path.dirname(file)).catch(() => [])
  const aside = beside
    .filter((name) => name.startsWith(`${path.basename(file)}.damaged-`))
    .sort()
    .at(-1)
  if (aside === undefined) return null
  return new PaddockError(
    'secret.store_damaged',
    `The file of secrets could not be used and was kept as ${aside}; tools may lack the secrets in it.`,
  )
}

/** Replaces it as a whole. Throws `secret.unwritable`. */
export async function writeSecretsFile(
  file: string,
  content: Omit<SecretsContent, 'version'>,
): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    await writeFileAtomically(file, `${JSON.stringify({ version: fileVersion, ...content }, null, 2)}\n`)
  } catch (error) {
    throw new PaddockError('secret.unwritable', `The secrets cannot be written (${codeOf(error)}).`)
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    const handle = await open(file, 'r')
    try {
      // Larger ones are none of ours.
      const { size } = await handle.stat()
      return size > maxFileBytes ? '' : await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw unreadable(error)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreadable(error: unknown): PaddockError {
  return new PaddockError('secret.unreadable', `The secrets cannot be read (${codeOf(error)}).`)
}

/** The system's code and nothing else of its error (spec tools 5). */
function codeOf(error: unknown): string {
  return errnoOf(error) ?? 'unknown'
}
