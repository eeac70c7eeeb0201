/** Commands from several callers while the sandbox is killed; `npm run faults` does the same at full length. */
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { closeEngines } from '../support/engine.ts'
import { runDeciderLoad, runDeciderMemory } from '../support/decider-load.ts'
import { removeDeciderFolders } from '../support/deciders.ts'

afterEach(closeEngines)
afterAll(removeDeciderFolders)

describe('spec decider 16: crash', () => {
  it('1,500 commands over 100 streams by 8 callers with kills: nothing lost, doubled or torn', async () => {
    const report = await runDeciderLoad({
      commands: 1_500,
      streams: 100,
      callers: 8,
      kills: 3,
      random: Math.random,
    })
    expect(report.faults).toEqual([])
    expect(report.others).toEqual([])
    expect(report.decided).toBe(1_500)
    expect(report.kills).toBe(3)
  })
})

describe('spec decider 16: performance', () => {
  it('memory stays flat over many commands', async () => {
    const { decided, residentBytes } = await runDeciderMemory({ commands: 2_400, streams: 40, samples: 8 })
    expect(decided).toBe(2_400)
    // The first quarter warms caches up; what leaks goes on growing behind it, by megabytes a hundred commands.
    const [early = 0, late = 0] = [residentBytes[2], residentBytes.at(-1)]
    expect(late - early).toBeLessThan(48 * 1024 * 1024)
  })
})
