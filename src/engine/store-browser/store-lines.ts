/** A module's store as NDJSON: a line that says whose it is, one for each entry and source position, one that ends it. */
import { z } from 'zod'
import { PaddockError } from '../../shared/errors.ts'
import { maxKeyBytes } from '../../shared/store/schema.ts'

const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)

const headSchema = z.strictObject({
  kind: z.literal('paddock-store'),
  format: z.literal(1),
  module: z.string().min(1).max(128),
})
const entrySchema = z.strictObject({
  kind: z.literal('entry'),
  key: z.string().refine((key) => Buffer.byteLength(key) <= maxKeyBytes, `is over ${maxKeyBytes} bytes`),
  value: base64,
})
/** What the host noted beside the entries: the last event's number and the position of each source. */
const noteSchema = z.strictObject({
  kind: z.literal('note'),
  name: z.string().min(1).max(1_024),
  value: z.string().max(65_536),
})
const endSchema = z.strictObject({ kind: z.literal('end'), entries: z.number().int().min(0) })
const lineSchema = z.discriminatedUnion('kind', [headSchema, entrySchema, noteSchema, endSchema])

export type StoreLine =
  | { readonly kind: 'entry'; readonly key: Buffer; readonly value: Buffer }
  | { readonly kind: 'note'; readonly name: string; readonly value: string }

export function storeHead(module: string): string {
  return JSON.stringify({ kind: 'paddock-store', format: 1, module } satisfies z.infer<typeof headSchema>)
}

export function storeEntry(key: Buffer, value: Buffer): string {
  return JSON.stringify({
    kind: 'entry',
    key: key.toString('utf8'),
    value: value.toString('base64'),
  } satisfies z.infer<typeof entrySchema>)
}

export function storeNote(name: string, value: string): string {
  return JSON.stringify({ kind: 'note', name, value } satisfies z.infer<typeof noteSchema>)
}

export function storeEnd(entries: number): string {
  return JSON.stringify({ kind: 'end', entries } satisfies z.infer<typeof endSchema>)
}

/** Every entry and note of an export of `module`. Throws `store.import_mismatch` naming the line. */
export function* readStoreLines(texts: Iterable<string>, module: string): IterableIterator<StoreLine> {
  let number = 0
  let entries = 0
  let end: number | undefined
  const bad = (why: string, remedy?: string): PaddockError =>
    new PaddockError('store.import_mismatch', `Line ${number} of the export: ${why}.`, {
      details: { line: number },
      ...(remedy === undefined ? {} : { remedy }),
    })
  for (const text of texts) {
    number += 1
    const line = lineSchema.safeParse(parsed(text))
    if (!line.success) {
      const [issue] = line.error.issues
      throw bad(`${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim())
    }
    const { data } = line
    if ((data.kind === 'paddock-store') !== (number === 1)) {
      throw bad(number === 1 ? 'it must say whose store this is' : 'a second store begins here')
    }
    if (end !== undefined) throw bad('something follows the end')
    switch (data.kind) {
      case 'paddock-store':
        if (data.module === module) continue
        throw bad(
          `this is the store of ${data.module}, not of ${module}`,
          'Choose an export of this module; to take over the state of another, change the name in its first line.',
        )
      case 'entry':
        entries += 1
        yield { kind: 'entry', key: Buffer.from(data.key, 'utf8'), value: Buffer.from(data.value, 'base64') }
        break
      case 'note':
        yield data
        break
      case 'end':
        if (data.entries !== entries) throw bad(`${data.entries} entries were written, ${entries} are there`)
        end = data.entries
    }
  }
  number += 1
  if (end === undefined) throw bad('the export is cut off: its last line is missing')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
