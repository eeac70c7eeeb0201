/** What a guest says is untrusted: cut to a bound with a mark, control characters escaped (spec decider 8). */
import type { DomainError } from '../../../../shared/contracts/decider.ts'
import { deciderLimits } from '../../../../shared/contracts/decider-limits.ts'
import type { GuestDomainError } from './interfaces.ts'

const cutMark = '…'

export function domainErrorOf({ code, message, details }: GuestDomainError): DomainError {
  const { codeCharacters, messageCharacters, details: maxDetails, detailCharacters } = deciderLimits
  return {
    code: guestText(code, codeCharacters),
    message: guestText(message, messageCharacters),
    details: details
      .slice(0, maxDetails)
      .map(([label, text]) => [guestText(label, codeCharacters), guestText(text, detailCharacters)]),
  }
}

/** At most `most` characters of a guest's text, control characters as `\u{…}`. */
export function guestText(text: string, most: number): string {
  const readable = text
    .slice(0, most + 1)
    .replaceAll(/\p{Cc}/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
  return readable.length <= most ? readable : readable.slice(0, most - cutMark.length) + cutMark
}

/** Whether a text holds a control character (Unicode Cc). */
export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
