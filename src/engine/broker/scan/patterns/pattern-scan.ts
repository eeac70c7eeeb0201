/**
 * Looks for what looks like a secret, in one pass over the bytes. All patterns are ASCII, so bytes that are no UTF-8
 * switch nothing off. Its work is linear: an automaton finds where a pattern may begin, and checks are bounded.
 */
import type { Match, MatchSource } from '../matches.ts'
import { compileAnchors } from './anchors.ts'
import { byteClass, classesOfByte } from './byte-classes.ts'
import {
  checkAuthorization,
  checkBearer,
  checkPrivateKey,
  checkTelegramToken,
  runEnd,
  type Found,
} from './checks.ts'
import { prefixPatterns, specialPatterns } from './table.ts'
import { WebTokenWatch } from './web-token.ts'

const specialAnchors = ['eyJ', ':AA', '-----BEGIN ', 'bearer', 'authorization'] as const
const anchorTexts: readonly string[] = [...prefixPatterns.map(({ prefix }) => prefix), ...specialAnchors]
/** Compiled once for the whole process. */
const anchors = compileAnchors(anchorTexts)
const firstSpecial = prefixPatterns.length

const hexKeyBytes = 64

export class PatternScan {
  readonly matches: Match[] = []
  /** Bytes looked at: what a scan costs, whatever it finds. */
  work = 0
  private readonly bytes: Buffer
  private readonly from: number
  private readonly to: number
  private at: number
  private state = 0
  private partStart: number
  private wordStart: number
  private readonly tokens: WebTokenWatch
  /** Where each pattern may begin again: within what it found it would find the same. */
  private readonly resumeAt = new Int32Array(anchorTexts.length)

  /** Scans `bytes` from `from` to `to`; what lies outside is no part of it. */
  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.from = from
    this.to = to
    this.at = from
    this.partStart = from
    this.wordStart = from
    this.tokens = new WebTokenWatch(this.bytes)
  }

  /** Goes on for about `budget` bytes of work; false once the end is reached. */
  advance(budget: number): boolean {
    const { bytes, to } = this
    const { next, endings } = anchors
    const limit = this.work + budget
    let { at, state } = this
    while (at < to && this.work < limit) {
      const blockEnd = Math.min(to, at + 4_096)
      this.work += blockEnd - at
      for (; at < blockEnd; at++) {
        const byte = bytes[at] ?? 0
        const classes = classesOfByte[byte] ?? 0
        if ((classes & byteClass.word) === 0) this.onBoundary(at, byte, classes)
        state = next[state * 256 + byte] ?? 0
        const ended = endings[state]
        if (ended !== undefined && ended.length > 0) this.onAnchors(ended, at + 1)
      }
    }
    this.at = at
    this.state = state
    if (at < to) return true
    this.onBoundary(to, -1, 0)
    return false
  }

  /** All of it at once. */
  run(): Match[] {
    while (this.advance(Number.MAX_SAFE_INTEGER));
    return this.matches
  }

  private onBoundary(at: number, byte: number, classes: number): void {
    if (at - this.wordStart === hexKeyBytes) this.onWord(this.wordStart, at)
    this.wordStart = at + 1
    if ((classes & byteClass.base64url) !== 0) return
    const before = this.tokens.work
    const start = this.tokens.onPart(this.partStart, at, byte === 0x2e)
    this.work += this.tokens.work - before
    if (start >= 0) this.add(specialPatterns.jsonWebToken, { start, end: at })
    this.partStart = at + 1
  }

  private onWord(start: number, end: number): void {
    if (runEnd(this.bytes, start, end, byteClass.hex) === end)
      this.add(specialPatterns.hexKey, { start, end })
  }

  private onAnchors(ended: readonly number[], end: number): void {
    for (const index of ended) {
      const start = end - (anchorTexts[index]?.length ?? 0)
      if (start < (this.resumeAt[index] ?? 0)) continue
      const pattern = prefixPatterns[index]
      const found =
        pattern === undefined ? this.checkSpecial(index, start, end) : this.checkRuns(index, start)
      if (found === null) continue
      this.work += found.end - found.start
      this.resumeAt[index] = found.end
      this.add(pattern ?? found.source, found)
    }
  }

  private checkRuns(index: number, start: number): (Found & { source: MatchSource }) | null {
    const pattern = prefixPatterns[index]
    if (pattern === undefined || !this.has(pattern.prefix, start)) return null
    let at = start + pattern.prefix.length
    for (const { mask, count, then } of pattern.steps) {
      // No further than needed where something must follow.
      const limit = then === undefined ? this.to : Math.min(this.to, at + count)
      const end = runEnd(this.bytes, at, limit, mask)
      if (end - at < count) return this.fail(end - start)
      at = end
      if (then === undefined) continue
      if (at >= this.to || this.bytes[at] !== then.charCodeAt(0)) return this.fail(at - start)
      at += 1
    }
    return { start, end: at, source: pattern }
  }

  private fail(looked: number): null {
    this.work += looked
    return null
  }

  private checkSpecial(index: number, start: number, end: number): (Found & { source: MatchSource }) | null {
    const { bytes, from, to } = this
    switch (specialAnchors[index - firstSpecial]) {
      case 'eyJ':
        if (this.has('eyJ', start)) this.tokens.onBeginning(start)
        return null
      case ':AA':
        return named(specialPatterns.telegramToken, checkTelegramToken(bytes, start, from, to))
      case '-----BEGIN ':
        if (!this.has('-----BEGIN ', start)) return null
        return named(specialPatterns.privateKey, checkPrivateKey(bytes, start, end, to))
      case 'bearer':
        return named(specialPatterns.bearer, checkBearer(bytes, start, end, to))
      case 'authorization':
        return named(specialPatterns.authorization, checkAuthorization(bytes, end, to))
      default:
        return null
    }
  }

  /** Whether the text is there in this case; the automaton matches either. */
  private has(text: string, start: number): boolean {
    for (let index = 0; index < text.length; index++) {
      if (this.bytes[start + index] !== text.charCodeAt(index)) return false
    }
    return true
  }

  private add(source: MatchSource, { start, end }: Found): void {
    this.matches.push({ start, end, source })
  }
}

function named(source: MatchSource, found: Found | null): (Found & { source: MatchSource }) | null {
  return found === null ? null : { ...found, source }
}
