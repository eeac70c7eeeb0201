/** Messages of a topic as elements. A topic has no history: what comes while nobody takes it is dropped and counted. */
import type { MessageSource } from '../../events/message-source.ts'
import type { SourceEnd, SourceEndContext } from './end.ts'
import { Feed } from './feed.ts'

const octets = 'application/octet-stream'
/** Drops are told at most this often, in milliseconds. */
const tellEveryMs = 10_000

export function openTopicSource(
  messages: MessageSource,
  publisher: string,
  topic: string,
  context: SourceEndContext,
): SourceEnd {
  const feed = new Feed({ send: context.send })
  let dropped = 0
  let toldAt = Number.NEGATIVE_INFINITY
  const unsubscribe = messages.subscribe(topic, publisher, false, ({ payload, timestampMs }) => {
    if (feed.offer({ bytes: payload, contentType: octets, position: null })) return
    dropped += 1
    if (timestampMs - toldAt < tellEveryMs) return
    toldAt = timestampMs
    context.notice(
      'warn',
      'source.dropped',
      `The flow does not keep up: ${dropped} messages of ${topic} were dropped.`,
    )
  })
  return {
    want: (count) => feed.want(count),
    settle: (count) => feed.settle(count),
    get dropped() {
      return dropped
    },
    close: unsubscribe,
  }
}
