/** Commands from several callers while the sandbox is killed; `npm run faults` does the same at full length. */
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { closeEngines } from '../support/engine.ts'
import { runDeciderLoad } from '../support/decider-load.ts'
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
