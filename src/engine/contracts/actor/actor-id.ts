/** Names of actors: a key of the caller's choice, and the short id that files and messages go by (spec actors-sql 1). */
import { createHash } from 'node:crypto'
import { actorKeySchema } from '../../../shared/contracts/actor.ts'
import { PaddockError } from '../../../shared/errors.ts'

const idLength = 40

/** The id of the actor with this key: the same for ever, different for different keys. */
export function actorIdOf(key: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, idLength)
}

/** The key, checked. Throws `wasm.invalid_config`. */
export function checkedKey(key: unknown): string[] {
  const parsed = actorKeySchema.safeParse(key)
  if (!parsed.success || parsed.data.length === 0 || parsed.data.some((part) => !isWellFormed(part))) {
    throw new PaddockError(
      'wasm.invalid_config',
      'The key of an actor is 1 to 32 texts of at most 1024 characters.',
      {
        details: { field: 'key' },
        remedy: 'Give a key such as "alice".',
      },
    )
  }
  return parsed.data
}

/** A lone surrogate has no bytes of its own: two such keys could name one actor. */
function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text
}
