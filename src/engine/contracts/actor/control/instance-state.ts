/** The states of one loaded instance and what each command to stop does in them: pure (spec actors-sql 16.2, 16.7). */
import type { ActorErrorCode } from '../../../../shared/contracts/actor-errors.ts'

export const instanceStates = [
  'loading',
  'started',
  'sleep-grace',
  'sleep-finalise',
  'destroy-grace',
  'destroying',
  'terminated',
] as const
export type InstanceState = (typeof instanceStates)[number]

/** `sleep` keeps the actor; `stop` is the same for the end of its host; `destroy` ends it for good. */
export const stopCommands = ['sleep', 'stop', 'destroy'] as const
export type StopCommand = (typeof stopCommands)[number]

export type StopVerdict =
  /** The one stop of this instance begins. */
  | { readonly kind: 'begin'; readonly state: InstanceState }
  /** It is under way or over: success once it is. */
  | { readonly kind: 'joined' }
  /** A sleep that is under way becomes a destroy. */
  | { readonly kind: 'upgraded'; readonly state: InstanceState }
  /** The sleep that ends right now is let end; the destroy follows it. */
  | { readonly kind: 'after' }
  | { readonly kind: 'refused'; readonly code: ActorErrorCode }

/** What `command` does to an instance in `state`. Every pair has its answer. */
export function onStopCommand(state: InstanceState, command: StopCommand): StopVerdict {
  const destroys = command === 'destroy'
  switch (state) {
    case 'loading':
      return { kind: 'refused', code: 'actor.not_ready' }
    case 'started':
      return { kind: 'begin', state: destroys ? 'destroy-grace' : 'sleep-grace' }
    case 'sleep-grace':
      return destroys ? { kind: 'upgraded', state: 'destroy-grace' } : { kind: 'joined' }
    case 'sleep-finalise':
      return destroys ? { kind: 'after' } : { kind: 'joined' }
    case 'destroy-grace':
    case 'destroying':
      return destroys ? { kind: 'joined' } : { kind: 'refused', code: 'actor.destroying' }
    case 'terminated':
      return { kind: 'joined' }
  }
}

/** The state after grace has ended. */
export function finalised(state: InstanceState): InstanceState {
  return state === 'destroy-grace' || state === 'destroying' ? 'destroying' : 'sleep-finalise'
}
