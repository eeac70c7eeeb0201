/** Steps 10 and 12 of a command: the decision, and its events as they will be stored (spec decider 4, 7, 10). */
import type { NewEvent } from '../../../../event-store/event-store.ts'
import { eventId } from '../../../../event-store/identities.ts'
import type { ExecutePayload } from '../../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import { guestText, hasControlCharacter, utf8Length } from '../guest/guest-text.ts'
import type { GuestEnvelope } from '../guest/interfaces.ts'
import { CommandFailure, contractViolation } from './failure.ts'
import type { ReplayedSession } from './session.ts'

/** The events the guest decides. Throws `decider.rejected`, `.faulted`, `.empty_decision`, `.contract_violation`. */
export function decideEvents(session: ReplayedSession, command: ExecutePayload): readonly GuestEnvelope[] {
  const answer = session.decide({ type: command.type, payload: command.payload })
  if (answer.kind !== 'decided') {
    const { kind, error } = answer
    throw new CommandFailure(`decider.${kind}`, error.message === '' ? error.code : error.message, {
      outcome: kind,
      phase: 'decide',
      reason: error,
    })
  }
  if (answer.events.length === 0) {
    throw new CommandFailure('decider.empty_decision', 'The decider accepted the command without an event.', {
      phase: 'decide',
      details: { rule: 'events' },
    })
  }
  checkEvents(answer.events)
  return answer.events
}

/** With ids: derived from the command's own, else new ones. */
export function envelopesOf(events: readonly GuestEnvelope[], commandId: string | null): readonly NewEvent[] {
  return events.map(({ type, payload }, index) => ({ id: eventId(commandId, index), type, payload }))
}

function checkEvents(events: readonly GuestEnvelope[]): void {
  const { eventsPerDecision, eventBytes, decisionBytes, eventTypeBytes } = deciderLimits
  if (events.length > eventsPerDecision) {
    throw oversize('events-per-decision', `${events.length} events`, `${eventsPerDecision}`)
  }
  let total = 0
  for (const [index, { type, payload }] of events.entries()) {
    if (type === '' || hasControlCharacter(type) || utf8Length(type) > eventTypeBytes) {
      throw contractViolation(
        'event-type',
        `Event ${index} of the decision has the type ${JSON.stringify(guestText(type, 128))}; a type has 1 to ` +
          `${eventTypeBytes} bytes and no control character.`,
        'decide',
      )
    }
    if (payload.length > eventBytes) {
      throw oversize('event-bytes', `event ${index} of ${payload.length} bytes`, `${eventBytes} bytes`)
    }
    total += payload.length
  }
  if (total > decisionBytes) throw oversize('decision-bytes', `${total} bytes`, `${decisionBytes} bytes`)
}

function oversize(rule: string, actual: string, most: string): CommandFailure {
  return contractViolation(rule, `The decision has ${actual}; at most ${most} are allowed.`, 'decide')
}
