import { describe, expect, it } from 'vitest'
import type { RecordedEvent } from '../../../event-store/event-store.ts'
import { eventsTopic, feedSource, messageOf, parseFeedCursor } from './message-event.ts'

const event: RecordedEvent = {
  id: '7689a587-dc34-5882-9aeb-9368592f805f',
  type: 'orders.placed',
  payload: Buffer.from('{"total":12}'),
  streamId: 'order-7',
  revision: 3,
  position: 41,
  headers: { by: 'test' },
  batchIndex: 0,
  batchSize: 1,
  recordedAt: 1_700_000_000_000,
}

function bodyOf(changed: Partial<RecordedEvent>): unknown {
  const message = messageOf('demo.orders', { ...event, ...changed })
  if (message.tag !== 'message') throw new Error('no message')
  return JSON.parse(Buffer.from(message.val.payload).toString('utf8'))
}

describe('a decided event as a message', () => {
  it('carries what identifies it, and its payload as JSON', () => {
    expect(messageOf('demo.orders', event)).toMatchObject({
      tag: 'message',
      val: { contentTopic: '/paddock/1/demo.orders/events', timestamp: 1_700_000_000_000n },
    })
    expect(bodyOf({})).toEqual({
      type: 'orders.placed',
      stream: 'order-7',
      revision: 3,
      position: 41,
      id: event.id,
      recordedAt: 1_700_000_000_000,
      headers: { by: 'test' },
      payload: { total: 12 },
    })
  })

  it.each([
    ['bytes', Uint8Array.of(0, 255, 1), 'AP8B'],
    ['nothing', new Uint8Array(0), ''],
    ['text that is no JSON', Buffer.from('hello'), 'aGVsbG8='],
    ['text that is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'Iv8i'],
  ])('carries %s in base64', (_, payload, payloadBase64) => {
    const body = bodyOf({ payload })
    expect(body).toMatchObject({ payloadBase64 })
    expect(body).not.toHaveProperty('payload')
  })

  it('null is a payload like any other JSON', () => {
    expect(bodyOf({ payload: Buffer.from('null') })).toMatchObject({ payload: null })
  })

  it('has a topic of four parts whatever the name', () => {
    expect(eventsTopic('two words')).toBe('/paddock/1/two%20words/events')
  })
})

describe('the position of a subscription', () => {
  it('is kept by the decider and the set of types', () => {
    expect(feedSource('a', ['x', 'y'])).toBe(feedSource('a', ['y', 'x', 'x']))
    const sources = [feedSource('a', []), feedSource('b', []), feedSource('a', ['x']), feedSource('a', ['y'])]
    expect(new Set(sources).size).toBe(4)
    for (const source of sources) expect(source.length).toBeLessThanOrEqual(256)
  })

  it('is read back, and nothing else is', () => {
    expect(parseFeedCursor('41')).toBe(41)
    for (const text of [undefined, '', '-1', '1.5', 'x', '1e3', '99999999999999999999']) {
      expect(parseFeedCursor(text)).toBeNull()
    }
  })
})
