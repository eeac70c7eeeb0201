import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maxToolDiagnosticsBytes } from '../../../shared/contracts/tool-call.ts'
import { Diagnostics } from './diagnostics.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('spec tools 1: whatever is printed in whatever parts, at most 64 KiB of its end are kept', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 12 }),
      fc.boolean(),
      (sizes, isEarly) => {
        const diagnostics = new Diagnostics()
        let kept = 0
        for (const [index, size] of sizes.entries()) {
          diagnostics.write(index % 3 === 0 ? 'stdout' : 'stderr', new Uint8Array(size).fill(97))
          if (isEarly) for (const { message } of diagnostics.takeEarly()) kept += message.length
        }
        for (const { message } of diagnostics.take()) kept += message.length
        expect(kept).toBeLessThanOrEqual(maxToolDiagnosticsBytes)
      },
    ),
  )
})

test('lines are told in order with where they were printed; what is not text is shown as such', () => {
  const diagnostics = new Diagnostics()
  diagnostics.write('stderr', bytes('one\ntw'))
  diagnostics.write('stderr', bytes('o\r\n'))
  diagnostics.write('stdout', Uint8Array.of(0xff, 0x0a))
  diagnostics.write('stderr', bytes('end'))
  expect(diagnostics.take()).toEqual([
    { source: 'stderr', message: 'one' },
    { source: 'stderr', message: 'two' },
    { source: 'stdout', message: '\ufffd' },
    { source: 'stderr', message: 'end' },
  ])
  expect(diagnostics.take()).toEqual([])
})

test('what is told early leaves room for what is said last', () => {
  const diagnostics = new Diagnostics()
  diagnostics.write('stderr', bytes(`${'a'.repeat(4_000)}\n`.repeat(8)))
  expect(diagnostics.takeEarly()).toHaveLength(8)
  diagnostics.write('stderr', bytes(`${'b'.repeat(4_000)}\n`))
  expect(diagnostics.takeEarly()).toEqual([])
  diagnostics.write('stderr', bytes('panicked'))
  expect(diagnostics.take().map(({ message }) => message[0])).toEqual(['b', 'p'])
})

test('a million short lines are not a million records', () => {
  const diagnostics = new Diagnostics()
  for (let index = 0; index < 100_000; index += 1) diagnostics.write('stdout', bytes('\n'))
  expect(diagnostics.take().length).toBeLessThanOrEqual(512)
})
