import fc from 'fast-check'
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { expect, it } from 'vitest'
import { meterModule } from '../../src/engine/compiler/metering/meter.ts'
import { PaddockError } from '../../src/shared/errors.ts'
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

it('a module of the suite that is damaged never becomes valid, and nothing but a typed error is thrown', async () => {
  const modules: Uint8Array[] = []
  for (const script of (await readSpecSuite()).values()) {
    const first = commandsOf(script).find((command) => command.kind === 'instantiate')
    const bytes = first === undefined ? undefined : await parse(first.text).catch(() => undefined)
    if (bytes !== undefined && bytes.length < 20_000) modules.push(bytes)
  }
  expect(modules.length).toBeGreaterThan(150)
  let stillValid = 0
  fc.assert(
    fc.property(
      fc.nat(modules.length - 1),
      fc.array(fc.tuple(fc.nat(19_999), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (which, changes) => {
        const damaged = new Uint8Array(modules[which]!)
        for (const [position, value] of changes) damaged[position % damaged.length] = value
        let result: Uint8Array
        try {
          result = meterModule(damaged, {
            memoryCap: () => 70_000n,
            maxTableElements: 10_000,
            maxMemories: 9,
          }).bytes
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(PaddockError)
          return
        }
        const valid = WebAssembly.validate(damaged)
        if (valid) stillValid += 1
        expect(WebAssembly.validate(new Uint8Array(result))).toBe(valid)
      },
    ),
    { numRuns: 4_000 },
  )
  expect(stillValid).toBeGreaterThan(100)
})
