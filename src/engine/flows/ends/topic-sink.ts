/** Publishes each element of a sink on a topic, in order. */
import { HostFailure } from '../../capabilities/capability.ts'
import { maxPayloadBytes } from '../../capabilities/messaging/limits.ts'
import type { Messaging } from '../../capabilities/messaging/create-messaging.ts'
import type { Clock } from '../../clock.ts'
import { PaddockError } from '../../../shared/errors.ts'
import type { SinkEnd, SinkEndContext } from './end.ts'
import { OrderedSink } from './ordered-sink.ts'

export interface TopicSinkOptions {
  readonly publish: NonNullable<Messaging['publish']>
  readonly publisher: string
  readonly topic: string
  readonly clock: Clock
}

/** An element larger than a message may be ends the flow. */
export function openTopicSink(options: TopicSinkOptions, context: SinkEndContext): SinkEnd {
  const { publish, publisher, topic, clock } = options
  const gone = new AbortController()
  return new OrderedSink({
    context,
    clock,
    title: `The topic ${topic}`,
    batch: 1,
    write: async (elements) => {
      for (const { bytes } of elements) {
        if (bytes.length > maxPayloadBytes) {
          throw new PaddockError(
            'flow.end_failed',
            `an element has ${bytes.length} bytes and a message may have ${maxPayloadBytes}`,
          )
        }
        await publish(publisher, topic, bytes, gone.signal)
      }
    },
    isPassing: (error) =>
      error instanceof HostFailure &&
      ['unavailable', 'timeout', 'rate-limited'].includes(error.hostError.kind),
  })
}
