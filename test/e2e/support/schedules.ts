/** Streams of schedules-decider, made by commands through the app. */
import path from 'node:path'
import { expect } from './fixtures.ts'
import { root, type Bridge, type Paddock } from './paddock.ts'

export const schedulesDecider = path.join(root, 'modules/schedules-decider')
export const hour = 3_600_000
export const firstAtMs = 1_767_225_600_000

/** Carries a command out and answers its outcome. */
export async function decide(paddock: Paddock, type: string, payload: object): Promise<string> {
  const answer = await paddock.page.evaluate(
    ([commandType, text]) =>
      (window as unknown as { paddock: Bridge }).paddock.ipc['deciders']!['execute']!({
        type: commandType,
        payload: new TextEncoder().encode(text),
        commandId: null,
        expectedRevision: null,
        headers: {},
        reference: null,
      }),
    [`examples.schedules.${type}`, JSON.stringify(payload)] as const,
  )
  if (!answer.ok) throw new Error(`${type}: ${answer.error.code} ${answer.error.message}`)
  return (answer.data as { outcome: string }).outcome
}

/** A schedule with 60 occurrences, paused and resumed, and some younger ones beside it. */
export async function seedSchedules(paddock: Paddock): Promise<void> {
  await expect
    .poll(
      async () =>
        (await paddock.snapshot()).modules.find(({ name }) => name === 'schedules-decider')?.status.state,
    )
    .toBe('running')
  expect(await decide(paddock, 'Create', { id: 'backup', everyMs: hour, firstAtMs })).toBe('decided')
  for (let number = 0; number < 60; number += 1) {
    const occurrence = { id: 'backup', atMs: firstAtMs + number * hour }
    expect(await decide(paddock, 'RecordOccurrence', occurrence)).toBe('decided')
  }
  await decide(paddock, 'Pause', { id: 'backup', reason: 'Maintenance of the storage' })
  await decide(paddock, 'Resume', { id: 'backup', nowMs: firstAtMs + 72 * hour })
  for (const [index, id] of ['report', 'rotate-keys', 'sweep', 'vacuum'].entries()) {
    await decide(paddock, 'Create', { id, everyMs: hour * (index + 1), firstAtMs, occurrences: 3 + index })
  }
  await decide(paddock, 'Pause', { id: 'sweep' })
  // Answers that are no events belong to the picture: a rejection, twice.
  await decide(paddock, 'Pause', { id: 'sweep' })
  await decide(paddock, 'Create', { id: 'often', everyMs: 1_000, firstAtMs })
}
