import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineSplitter, maxLineLength } from './output-lines.ts'

function lines(chunks: readonly string[]): string[] {
  const found: string[] = []
  const splitter = lineSplitter((line) => found.push(line))
  for (const chunk of chunks) splitter.push(chunk)
  splitter.flush()
  return found
}

test('lines are the same however the text is cut into chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ab\n]{0,6}$/)), (chunks) => {
      const text = chunks.join('')
      const expected = text.split('\n')
      if (expected.at(-1) === '') expected.pop()
      expect(lines(chunks)).toEqual(expected)
    }),
  )
})

test('a carriage return before the end is no part of the line', () => {
  expect(lines(['a\r\nb\r', '\n'])).toEqual(['a', 'b'])
})

test('a line without an end comes in pieces', () => {
  expect(lines(['x'.repeat(maxLineLength), 'y']).map((line) => line.length)).toEqual([maxLineLength, 1])
})
