/** Makes of what a guest says of itself what is known of it (spec decider 2, step 6). */
import type { CommandSpec, DeciderDescriptor } from '../../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import { guestText, hasControlCharacter, utf8Length } from './guest-text.ts'
import type { GuestDescriptor } from './interfaces.ts'

const shownCharacters = 128

/** Checks every field. Throws `decider.invalid_descriptor` naming field, value and rule. */
export function validateDescriptor(descriptor: GuestDescriptor): DeciderDescriptor {
  checkName('name', descriptor.name)
  checkName('version', descriptor.version)
  const { commands } = descriptor
  if (commands.length === 0) throw invalid('commands', 'none', 'at least one command is declared')
  if (commands.length > deciderLimits.commands) {
    throw invalid(
      'commands',
      String(commands.length),
      `at most ${deciderLimits.commands} commands are declared`,
    )
  }
  const seen = new Set<string>()
  const checked = commands.map((command, index): CommandSpec => {
    const field = `commands[${index}].command-type`
    const type = command.commandType
    checkText(field, type, deciderLimits.commandTypeBytes)
    if (seen.has(type)) throw invalid(field, type, 'each command type is declared once')
    seen.add(type)
    return {
      type,
      precondition: command.writePrecondition.tag,
      snapshotEvery: cadence(command, index),
    }
  })
  return { name: descriptor.name, version: descriptor.version, commands: checked }
}

function cadence(
  { commandType, snapshotPolicy }: GuestDescriptor['commands'][number],
  index: number,
): number | null {
  if (snapshotPolicy.tag === 'no-snapshot') return null
  if (snapshotPolicy.val === 0n) {
    throw invalid(
      `commands[${index}].snapshot-policy of ${JSON.stringify(guestText(commandType, shownCharacters))}`,
      'frequency(0)',
      'a frequency is above zero; no-snapshot says never',
    )
  }
  // Beyond this no stream ever gets: the same as never, yet still asked for.
  return Number(
    snapshotPolicy.val > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : snapshotPolicy.val,
  )
}

function checkName(field: string, value: string): void {
  checkText(field, value, deciderLimits.nameBytes)
  for (const forbidden of ['@', '/']) {
    if (value.includes(forbidden)) throw invalid(field, value, `it holds no "${forbidden}"`)
  }
}

function checkText(field: string, value: string, maxBytes: number): void {
  if (value === '') throw invalid(field, value, 'it is not empty')
  if (hasControlCharacter(value)) throw invalid(field, value, 'it holds no control character')
  if (utf8Length(value) > maxBytes) throw invalid(field, value, `it has at most ${maxBytes} bytes of UTF-8`)
}

function invalid(field: string, value: string, rule: string): PaddockError {
  const shown = guestText(value, shownCharacters)
  return new PaddockError(
    'decider.invalid_descriptor',
    `The descriptor is not valid: ${field} is ${JSON.stringify(shown)}, but ${rule}.`,
    { details: { field, value: shown, rule } },
  )
}
