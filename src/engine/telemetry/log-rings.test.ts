import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../../shared/domain/log.ts'
import { LogRings } from './log-rings.ts'

function line(run: number, message: string, module: string | null = 'watch'): LogRecord {
  return { id: 0, time: 0, level: 'info', source: 'host_interface', message, module, run }
}

describe('spec nexum-host 14.1: rings of lines in memory', () => {
  it('keeps so many bytes of a run, the newest, and so many runs', () => {
    const rings = new LogRings(() => ({ bytesPerRun: 3 * 138, runsRetained: 2 }))
    for (let index = 0; index < 5; index += 1) rings.add(line(1, `message 0${index}`))
    expect(rings.lines('watch', 1).map(({ message }) => message)).toEqual([
      'message 02',
      'message 03',
      'message 04',
    ])
    expect(rings.runs('watch')).toEqual([{ run: 1, lines: 3, dropped: 2 }])
    rings.add(line(2, 'x'))
    rings.add(line(3, 'y'))
    expect(rings.runs('watch').map(({ run }) => run)).toEqual([2, 3])
    expect(rings.lines('watch', 1)).toEqual([])
  })

  it('keeps a line that is larger than a run may be, alone', () => {
    const rings = new LogRings(() => ({ bytesPerRun: 10, runsRetained: 1 }))
    rings.add(line(1, 'a'))
    rings.add(line(1, 'x'.repeat(500)))
    expect(rings.lines('watch', 1)).toHaveLength(1)
  })

  it('keeps nothing of the engine itself', () => {
    const rings = new LogRings(() => ({ bytesPerRun: 1_000, runsRetained: 1 }))
    rings.add(line(0, 'a', null))
    expect(rings.runs('watch')).toEqual([])
  })
})
