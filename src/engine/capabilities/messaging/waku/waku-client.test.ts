import { describe, expect, it } from 'vitest'
import { WakuClient } from './waku-client.ts'

describe('a Waku node that answers without end', () => {
  it('is not asked for ever for messages it never shows', async () => {
    let asked = 0
    const page = { messages: [{ messageHash: '0x12' }], paginationCursor: '0x12' }
    const client = new WakuClient('http://127.0.0.1:1', ({ signal }) => {
      asked += 1
      if (asked > 5) return Promise.reject(new Error('asked too often'))
      expect(signal?.aborted).toBe(false)
      return Promise.resolve({ status: 200, headers: [], body: Buffer.from(JSON.stringify(page)) })
    })
    const { signal } = new AbortController()
    expect(await client.history('/a/1/b/c', 0n, 10n, 50, signal)).toEqual([])
    expect(asked).toBe(1)
  })
})
