/** One element on its way: metadata of the runtime's own and a buffer (spec flows 5.4). */
import type { Element, ElementBuffer } from '../../stages/stage.ts'

export class FlowElement implements Element {
  sequence = 0
  readonly timestampNs: bigint
  readonly contentType: string
  readonly buffer: ElementBuffer
  readonly pulledNs: number
  /** Whether its calls are traced. */
  readonly traced: boolean
  /** Number of the call that it came out of. */
  span: number
  /** When it was put into its queue, in milliseconds of the flow's clock. */
  queuedMs = 0

  constructor(
    timestampNs: bigint,
    contentType: string,
    buffer: ElementBuffer,
    pulledNs: number,
    traced: boolean,
    span: number,
  ) {
    this.timestampNs = timestampNs
    this.contentType = contentType
    this.buffer = buffer
    this.pulledNs = pulledNs
    this.traced = traced
    this.span = span
  }

  /** The same bytes for one more consumer, which holds them, too (spec flows 5.6). */
  share(): FlowElement {
    this.buffer.retain()
    const { timestampNs, contentType, buffer, pulledNs, traced, span } = this
    return new FlowElement(timestampNs, contentType, buffer, pulledNs, traced, span)
  }
}
