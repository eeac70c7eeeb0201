/** What a module's store file holds, read past the engine. */
import Database from 'better-sqlite3'
import { mustEqual, mustHold } from './fault.ts'

export interface StoreContents {
  /** How often each block was counted, in the blocks' order. */
  readonly blocks: readonly (readonly [block: number, count: string])[]
  /** The numbers at the heads of bulk/…, without repeats. */
  readonly bulk: readonly number[]
}

export function readStoreFile(path: string): StoreContents {
  const database = new Database(path, { readonly: true, timeout: 5_000 })
  try {
    const rows = database
      .prepare<[], { key: Buffer; value: Buffer }>('SELECT key, substr(value, 1, 24) AS value FROM entries')
      .all()
      .map(({ key, value }) => [key.toString('utf8'), value] as const)
    const blocks = rows
      .filter(([key]) => key.startsWith('block/'))
      .map(([key, value]) => [Number(key.slice('block/'.length)), value.toString('utf8')] as const)
      .sort(([a], [b]) => a - b)
    const bulk = rows
      .filter(([key]) => key.startsWith('bulk/'))
      .map(([, value]) => Number(value.readBigUInt64LE(0)))
    return { blocks, bulk: [...new Set(bulk)] }
  } finally {
    database.close()
  }
}

/** Every block of the range is counted once, none besides, and the rest is of the last one's event. */
export function mustHoldEachOnce(path: string, who: string, first: number, last: number): void {
  const { blocks } = mustBeAtBoundary(path, who)
  const numbers = blocks.map(([number]) => number)
  const wanted = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
  const missing = wanted.filter((number) => !numbers.includes(number))
  mustEqual(missing, [], `blocks that ${who} missed`)
  mustEqual(numbers.length, wanted.length, `blocks that ${who} handled`)
}

/** No block was counted twice, and nothing of an unfinished event is there. */
export function mustBeAtBoundary(path: string, who: string): StoreContents {
  const contents = readStoreFile(path)
  mustEqual(
    contents.blocks.filter(([, count]) => count !== '1'),
    [],
    `blocks that ${who} handled more than once`,
  )
  const last = contents.blocks.at(-1)?.[0]
  mustHold(
    contents.bulk.length === 0 || (contents.bulk.length === 1 && contents.bulk[0] === last),
    `the store of ${who} is not at an event boundary: block ${last}, values of ${contents.bulk.join(', ')}`,
  )
  return contents
}
