import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createScanPool, type ScanPool } from './scan-pool.ts'
import type { ExactSecret } from './types.ts'

const entry = new URL('./scan-thread.ts', import.meta.url)
const value = 's3cr3t-V4lue'

function leased(): ExactSecret {
  const shared = Buffer.from(new SharedArrayBuffer(value.length))
  shared.write(value)
  return { name: 'token', value: shared, injections: [] }
}

let pool: ScanPool

beforeAll(async () => {
  pool = createScanPool({ entry })
  await pool.scanner([]).scrub(['warm'])
})
afterAll(() => pool.close())

describe('scan threads', () => {
  it('answer every kind of scan', async () => {
    const scanner = pool.scanner([leased()])
    const body = Buffer.from(`a ${value}`)
    expect(await scanner.checkRequest({ texts: [], body })).toMatchObject({ kind: 'blocked' })
    // Left alone.
    expect(body.toString()).toBe(`a ${value}`)
    const response = await scanner.redactResponse({ headers: [['a', value]], body })
    expect(response).toMatchObject({ kind: 'passed', headers: [['a', '[REDACTED]']] })
    if (response.kind === 'passed') expect(Buffer.from(response.body).toString()).toBe('a [REDACTED]')
    expect(await scanner.scanOutput(`["${value}"]`)).toMatchObject({ text: '["[REDACTED]"]' })
    expect(await scanner.redactText(value)).toMatchObject({ text: '[REDACTED]' })
    expect(await scanner.scrub([`x ${value}`], { maxBytes: 4 })).toEqual(['x [R'])
  })

  it('read values where they are: one that was overwritten is found no more', async () => {
    const secret = leased()
    const scanner = pool.scanner([secret])
    expect(await scanner.scrub([value])).toEqual(['[REDACTED]'])
    secret.value.fill(0)
    expect(await scanner.scrub([value])).toEqual([value])
    const copied = { ...secret, value: Buffer.from(value) }
    expect(() => pool.scanner([copied])).toThrow(expect.objectContaining({ code: 'internal.bug' }))
  })

  it('take a body over without a copy, and leave what shares its memory alone', async () => {
    const scanner = pool.scanner([])
    const whole = new Uint8Array(1_000_000).fill(0x61)
    const answer = await scanner.redactResponse({ headers: [], body: whole })
    expect(whole.byteLength).toBe(0)
    expect(answer).toMatchObject({ kind: 'passed', redactions: 0 })
    if (answer.kind === 'passed') expect(Buffer.compare(answer.body, Buffer.alloc(1_000_000, 0x61))).toBe(0)
    const part = Buffer.from('part of a pool')
    await scanner.redactResponse({ headers: [], body: part })
    expect(part.toString()).toBe('part of a pool')
  })

  it('a small scan does not wait for a large one on the same thread', async () => {
    const single = createScanPool({ entry, threads: 1 })
    const order: string[] = []
    const large = single
      .scanner([leased()])
      .redactResponse({ headers: [], body: Buffer.alloc(10_485_760, '{"a": "some text"}, ') })
      .then(() => order.push('large'))
    const small = single
      .scanner([leased()])
      .scrub(['a line'])
      .then(() => order.push('small'))
    await Promise.all([large, small])
    expect(order).toEqual(['small', 'large'])
    await single.close()
  })

  it('spec tools 14 row linear scan: 1 MiB of a- and of a. while the loop that asks goes on', async () => {
    const scanner = pool.scanner([leased()])
    let turns = 0
    let isDone = false
    const count = (): void => {
      turns += 1
      if (!isDone) setImmediate(count)
    }
    count()
    const bodies = ['a-', 'a.'].map((unit) => Buffer.from(unit.repeat(524_288)))
    const verdicts = await Promise.all(bodies.map((body) => scanner.redactResponse({ headers: [], body })))
    isDone = true
    expect(verdicts).toMatchObject([
      { kind: 'passed', redactions: 0 },
      { kind: 'passed', redactions: 0 },
    ])
    // The scans took their time elsewhere: the loop turned all the while.
    expect(turns).toBeGreaterThan(10)
  })

  it('a thread that was lost fails what waits, and another takes the next; a closed pool takes none', async () => {
    const lost = createScanPool({ entry: new URL('data:text/javascript,process.exit(1)') })
    await expect(lost.scanner([]).scrub(['x'])).rejects.toMatchObject({ code: 'tool.broker_lost' })
    await expect(lost.scanner([]).scrub(['x'])).rejects.toMatchObject({ code: 'tool.broker_lost' })
    await lost.close()
    const closing = createScanPool({ entry })
    const waiting = closing.scanner([]).scrub(['x'])
    await Promise.all([closing.close(), expect(waiting).rejects.toMatchObject({ code: 'tool.broker_lost' })])
    await expect(closing.scanner([]).scrub(['x'])).rejects.toMatchObject({ code: 'tool.broker_lost' })
  })
})
