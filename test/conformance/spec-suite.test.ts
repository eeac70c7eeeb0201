import { expect, it } from 'vitest'
import { commandsOf, readSpecSuite } from '../support/spec-script.ts'
import { emptyTally, runScript } from '../support/spec-run.ts'

it('each valid module of the official test suite gives its results when metered, or is refused by feature', async () => {
  const tally = emptyTally()
  for (const [path, script] of await readSpecSuite()) await runScript(path, commandsOf(script), tally)
  expect(tally.failures).toEqual([])
  // The figures keep the suite from shrinking unseen: a reader that skips scripts would pass otherwise.
  const { metered, refused, notForThisEngine, invalid, unreadable, checked, skipped } = tally
  expect({ metered, notForThisEngine, invalid, unreadable, skipped }).toEqual({
    metered: 1640,
    notForThisEngine: 0,
    invalid: 2996,
    unreadable: 1259,
    skipped: 572,
  })
  expect(Object.fromEntries(checked)).toEqual({
    return: 47_480,
    trap: 2777,
    unlinkable: 29,
    exhaustion: 15,
    exception: 14,
  })
  const code = 'compiler.unsupported_opcode'
  expect(Object.fromEntries(refused)).toEqual({
    [`${code}: collected objects (struct, array, i31) escape the memory cap`]: 68,
    [`${code}: relaxed SIMD gives other results on other machines`]: 7,
  })
}, 60_000)
