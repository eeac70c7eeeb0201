import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NeedleTrie } from './trie.ts'

const whole = (text: string) => ({ bytes: Buffer.from(text), reachesLeft: false, reachesRight: false })

describe('the automaton', () => {
  it('tells the longest text that ends at each place', () => {
    const letters = fc.stringMatching(/^[ab]{1,6}$/)
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 8 }),
        fc.stringMatching(/^[ab]{0,60}$/),
        (texts, text) => {
          const trie = new NeedleTrie(texts.map(whole))
          let node = 0
          ;[...Buffer.from(text)].forEach((byte, index) => {
            node = trie.step(node, byte)
            const seen = text.slice(0, index + 1)
            const ends = texts.filter((each) => seen.endsWith(each)).map((each) => each.length)
            expect(trie.lengthAt(node)).toBe(Math.max(0, ...ends))
          })
        },
      ),
      { numRuns: 300 },
    )
  })

  it('falls back at most once for each byte it went on: its work is linear', () => {
    const trie = new NeedleTrie([whole(`${'ab'.repeat(2_000)}c`), whole('b'.repeat(3_000))])
    for (const unit of ['ab', 'abb', 'b', 'aab']) {
      let node = 0
      let fallen = 0
      const text = Buffer.from(unit.repeat(20_000))
      for (const byte of text) {
        const before = trie.depthAt(node)
        node = trie.step(node, byte)
        fallen += Math.max(0, before + 1 - trie.depthAt(node))
      }
      expect(fallen).toBeLessThanOrEqual(text.length)
    }
  })
})
