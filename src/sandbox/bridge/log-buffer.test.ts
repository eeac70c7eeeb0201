import { describe, expect, it } from 'vitest'
import { maxLogRecordBytes } from '../../shared/domain/limits.ts'
import { guestLogRecordSchema } from '../../shared/domain/log.ts'
import { LogBuffer, logBurst, logsPerSecond, type LogBatch } from './log-buffer.ts'

function buffer(minLevel: 'trace' | 'warn' = 'trace') {
  const sent: LogBatch[] = []
  const time = { ms: 0 }
  const log = new LogBuffer({
    minLevel,
    send: (batch) => sent.push(batch),
    now: () => 5,
    monotonicMs: () => time.ms,
  })
  const lines = () => [...sent, log.take()].flatMap(({ records }) => records)
  const dropped = () => [...sent].reduce((sum, batch) => sum + batch.dropped, 0) + log.take().dropped
  return { log, sent, time, lines, dropped }
}

describe('LogBuffer', () => {
  it('carries what the module handles', () => {
    const { log, lines } = buffer()
    log.context = { dispatch: 3, eventType: 'block', chainId: '1', blockNumber: 9 }
    log.add('info', 'stdout', 'hello')
    const [record] = lines()
    expect(guestLogRecordSchema.parse(record)).toEqual({
      dispatch: 3,
      eventType: 'block',
      chainId: '1',
      blockNumber: 9,
      time: 5,
      level: 'info',
      source: 'stdout',
      message: 'hello',
    })
  })

  it('leaves out lines below its level', () => {
    const { log, lines } = buffer('warn')
    log.add('info', 'host_interface', 'no')
    log.add('warn', 'host_interface', 'yes')
    expect(lines().map(({ message }) => message)).toEqual(['yes'])
  })

  it('grants a burst and then a rate, and counts what it drops', () => {
    const first = buffer()
    for (let index = 0; index < logBurst + 10; index += 1) first.log.add('info', 'stdout', `${index}`)
    expect(first.lines()).toHaveLength(logBurst)
    const second = buffer()
    for (let index = 0; index < logBurst + 10; index += 1) second.log.add('info', 'stdout', `${index}`)
    second.time.ms = 500
    for (let index = 0; index < 100; index += 1) second.log.add('info', 'stdout', `${index}`)
    expect(second.dropped()).toBe(10 + 100 - logsPerSecond / 2)
  })

  it('sends the first line at once and gathers those that follow', () => {
    const { log, sent, time } = buffer()
    log.add('info', 'stdout', 'first')
    log.add('info', 'stdout', 'second')
    expect(sent.map(({ records }) => records.length)).toEqual([1])
    time.ms = 60
    log.add('info', 'stdout', 'third')
    expect(sent.map(({ records }) => records.length)).toEqual([1, 2])
  })

  it('cuts a long line at a character and marks it', () => {
    const { log, lines } = buffer()
    log.add('info', 'stdout', '\u{1F600}'.repeat(5_000))
    log.add('info', 'stdout', 'x'.repeat(maxLogRecordBytes))
    const [long, exact] = lines()
    expect(Buffer.byteLength(long?.message ?? '')).toBeLessThanOrEqual(maxLogRecordBytes)
    expect(Buffer.byteLength(long?.message ?? '')).toBeGreaterThan(maxLogRecordBytes - 8)
    expect(long?.message).toMatch(/^(\u{1F600})+ … \[cut\]$/u)
    expect(exact?.message).toBe('x'.repeat(maxLogRecordBytes))
  })
})
