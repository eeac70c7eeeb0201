/** Actors in the console's own terms: keys as text, states as a mark and words, what an error means for a request. */
import { actorErrors, isActorErrorCode } from '../../../shared/contracts/actor-errors.ts'
import type { ActorView } from '../../../shared/domain/actor.ts'
import type { ErrorReport } from '../../../shared/errors.ts'
import { age } from '../../format/time.ts'
import type { MarkKind } from '../standing.ts'

/** Stands for a part without a character: nothing else begins with a bare "%". */
const emptyPart = '%0'

/** Parts of a key are set apart by "/"; one within a part is written "%2F", "%" is "%25", and an empty part "%0". */
export function keyText(key: readonly string[]): string {
  const written = (part: string): string => part.replaceAll('%', '%25').replaceAll('/', '%2F')
  return key.map((part) => (part === '' ? emptyPart : written(part))).join('/')
}

/** The inverse of `keyText`. */
export function keyOf(text: string): string[] {
  const read = (part: string): string => part.replaceAll('%2F', '/').replaceAll('%25', '%')
  return text.split('/').map((part) => (part === emptyPart ? '' : read(part)))
}

export interface ActorStanding {
  readonly mark: MarkKind
  /** For the head: "Awake for 17 s". */
  readonly word: string
  /** For the list: "awake 17 s". */
  readonly short: string
  readonly tone: string
}

/** Whether the file of its database was found damaged. */
export function isDamaged(actor: ActorView): boolean {
  return actor.lastError?.error.code === 'sqlite.corrupt'
}

export function isAsleep(actor: ActorView): boolean {
  return actor.state === 'sleeping'
}

const passing: Readonly<Partial<Record<ActorView['state'], string>>> = {
  allocating: 'starting',
  starting: 'starting',
  reallocating: 'starting again',
  'sleep-intent': 'falling asleep',
  'stop-intent': 'stopping',
  'going-away': 'stopping',
  destroying: 'being destroyed',
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** How an actor stands, at a time in milliseconds since the epoch. */
export function actorStanding(actor: ActorView, now: number): ActorStanding {
  const span = actor.since === null ? '' : age(now - actor.since)
  if (isDamaged(actor)) {
    return { mark: 'dead', word: 'Damaged', short: 'damaged', tone: 'tone-crit' }
  }
  if (actor.state === 'running') {
    return { mark: 'running', word: `Awake for ${span}`, short: `awake ${span}`, tone: 'tone-ok' }
  }
  if (actor.state === 'sleeping') {
    const word = span === '' ? 'Asleep' : `Asleep for ${span}`
    return { mark: 'stopped', word, short: `asleep ${span}`.trim(), tone: 'tone-idle' }
  }
  const word = passing[actor.state] ?? 'starting'
  const mark = actor.state === 'reallocating' ? 'restarting' : 'starting'
  return { mark, word: sentence(word), short: word, tone: 'tone-busy' }
}

export interface Verdict {
  readonly mark: MarkKind
  readonly tone: string
  readonly title: string
  /** What it means for what was sent. */
  readonly effect: string
  /** Whether the same request may simply be sent again. */
  readonly again: boolean
}

/** What a failed request means for the one who sent it (spec actors-sql 12, 14). */
export function requestVerdict(error: ErrorReport): Verdict {
  const { code } = error
  if (code === 'guest.error') {
    return {
      mark: 'degraded',
      tone: 'tone-warn',
      title: 'The actor answered with an error',
      effect: 'The method ran and refused. What it had written in an open transaction was rolled back.',
      again: false,
    }
  }
  const retry = isActorErrorCode(code) ? actorErrors[code].retry : 'never'
  switch (retry) {
    case 'idempotent-only':
      return {
        mark: 'unknown',
        tone: 'tone-warn',
        title: 'It is not known whether the request was applied',
        effect: 'The actor was lost while it ran. Look at its tables before you send it again.',
        again: false,
      }
    case 'safe':
    case 'after-wake':
    case 'after-restart':
      return {
        mark: 'degraded',
        tone: 'tone-warn',
        title: retry === 'after-restart' ? 'The actor failed and comes back' : 'The request was not served',
        effect:
          retry === 'after-restart'
            ? 'What was not committed is rolled back. The next request starts it again.'
            : 'Nothing of it was applied. The same request may be sent again.',
        again: true,
      }
    case 'never':
      return {
        mark: 'dead',
        tone: 'tone-crit',
        title: 'The request was refused',
        effect: 'Sending the same again gives the same answer.',
        again: false,
      }
  }
}
