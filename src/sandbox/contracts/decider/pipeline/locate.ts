/** Steps 2 and 4 of a command: whether it was carried out before, and which stream it is for (spec decider 4). */
import type { EventStoreReader, RecordedCommand } from '../../../../event-store/event-store.ts'
import { commandFingerprint } from '../../../../event-store/identities.ts'
import type { ExecutePayload } from '../../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import type { DeciderInstance } from '../guest/decider-instance.ts'
import { guestText, hasControlCharacter, utf8Length } from '../guest/guest-text.ts'
import { CommandFailure, contractViolation } from './failure.ts'

/** What was recorded of the command, null when it is new. Throws `decider.command_id_reused`. */
export function recallCommand(store: EventStoreReader, command: ExecutePayload): RecordedCommand | null {
  if (command.commandId === null) return null
  const recorded = store.findCommand(command.commandId)
  if (recorded === null) return null
  if (recorded.fingerprint === commandFingerprint(command.type, command.payload)) return recorded
  throw commandIdReused(command.commandId, recorded)
}

export function commandIdReused(commandId: string, recorded: RecordedCommand): CommandFailure {
  return new CommandFailure(
    'decider.command_id_reused',
    `The command id ${commandId} was used for another command, of type ${recorded.type}.`,
    { details: { commandId, commandType: recorded.type, streamId: recorded.streamId } },
  )
}

/** The stream that the guest names. Throws `decider.stream_id_failed`, `decider.contract_violation`, and traps. */
export function locateStream(instance: DeciderInstance, command: ExecutePayload, fuel: number): string {
  const answer = instance.streamId({ type: command.type, payload: command.payload }, fuel)
  if (!answer.ok) {
    throw new CommandFailure(
      'decider.stream_id_failed',
      `The decider cannot tell the stream: ${answer.error.message}`,
      { phase: 'stream_id', reason: answer.error },
    )
  }
  const { streamId } = answer
  const length = utf8Length(streamId)
  if (length < 1 || length > deciderLimits.streamIdBytes || hasControlCharacter(streamId)) {
    throw contractViolation(
      'stream-id',
      `The decider names the stream ${JSON.stringify(guestText(streamId, 128))} of ${length} bytes; a stream id ` +
        `has 1 to ${deciderLimits.streamIdBytes} bytes and no control character.`,
      'stream_id',
    )
  }
  return streamId
}
