import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutBetweenWords, cutText } from './text.ts'

const size = (text: string): number => Buffer.byteLength(text)

test('a cut text is the longest beginning that fits, and whole characters only', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.integer({ min: 0, max: 40 }),
      (text, max) => {
        const kept = cutText(text, max)
        expect(text.startsWith(kept)).toBe(true)
        expect(size(kept)).toBeLessThanOrEqual(max)
        const next = text.codePointAt(kept.length)
        if (next !== undefined) expect(size(kept) + size(String.fromCodePoint(next))).toBeGreaterThan(max)
      },
    ),
  )
})

test('a word that is cut in two goes, a long one is cut, a whole one stays', () => {
  expect(cutBetweenWords('key=abc token=ghp_123456', 16)).toBe('key=abc ')
  expect(cutBetweenWords('one two three', 7)).toBe('one two')
  expect(cutBetweenWords('x'.repeat(500), 400)).toBe('x'.repeat(400))
  expect(cutBetweenWords('short', 5)).toBe('short')
})
