import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hostWindow, type HostElement, type ToFlow } from '../../../shared/contracts/flow.ts'
import type { PaddockError } from '../../../shared/errors.ts'
import { systemClock } from '../../clock.ts'
import { Positions } from './positions.ts'
import { RunEnds, type EndMeans } from './run-ends.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paddock-ends-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function elements(count: number): HostElement[] {
  return Array.from({ length: count }, (_, place) => ({ bytes: Buffer.from(String(place)), contentType: '' }))
}

async function opened(): Promise<{ ends: RunEnds; letters: ToFlow[] }> {
  const letters: ToFlow[] = []
  await writeFile(join(folder, 'in.txt'), 'line\n'.repeat(2_000))
  const ends = new RunEnds({
    flow: 'flow.main',
    nodes: [
      { name: 'in', role: 'source', end: { kind: 'lines', file: join(folder, 'in.txt') } },
      { name: 'out', role: 'sink', end: { kind: 'lines', file: join(folder, 'out.txt') } },
    ],
    // Lines need nothing else of the engine.
    means: { clock: systemClock } as EndMeans,
    positions: await Positions.open({
      file: join(folder, 'positions.json'),
      clock: systemClock,
      onUnwritable: ({ message }) => expect.fail(message),
    }),
    mail: (letter) => letters.push(letter),
    notice: (_, __, ___, message) => expect.fail(message),
    onFailed: (_, error: PaddockError) => expect.fail(error.message),
  })
  ends.open()
  return { ends, letters }
}

describe('what the program of a flow may send to ends in the engine', () => {
  it('is what it has credit for, and no element more', async () => {
    const { ends } = await opened()
    expect(ends.accept('out', elements(hostWindow))).toBe(true)
    expect(ends.accept('out', elements(1))).toBe(false)
    await ends.close()
    expect((await readFile(join(folder, 'out.txt'), 'utf8')).split('\n')).toHaveLength(hostWindow + 1)
  })

  it('is never a flood in one letter', async () => {
    const { ends } = await opened()
    expect(ends.accept('out', elements(300_000))).toBe(false)
    expect(ends.pending).toBe(0)
    await ends.close()
  })

  it('may be asked for up to its window, and by its own names', async () => {
    const { ends, letters } = await opened()
    const sent = (): number =>
      letters.reduce((sum, letter) => sum + (letter.kind === 'elements' ? letter.elements.length : 0), 0)
    expect(ends.want('in', hostWindow)).toBe(true)
    expect(ends.want('in', hostWindow)).toBe(false)
    await expect.poll(sent).toBe(hostWindow)
    expect(ends.want('in', hostWindow)).toBe(true)
    expect(ends.want('out', 1)).toBe(false)
    expect(ends.want('nobody', 1)).toBe(false)
    expect(ends.accept('in', elements(1))).toBe(false)
    await ends.close()
  })
})
