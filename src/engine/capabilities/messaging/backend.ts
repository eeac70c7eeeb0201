/** How messages travel (spec nexum-host 8.10). */
import type { MessageEvent, MessageSource } from '../../events/message-source.ts'
import type { MessageQuery } from './retention/protocol.ts'

/** Arguments were checked. Each function fails with `HostFailure`. */
export interface MessagingBackend extends MessageSource {
  /** Settles once the message is kept here and handed to the transport. */
  publish(module: string, contentTopic: string, payload: Uint8Array, signal: AbortSignal): Promise<void>
  query(query: MessageQuery, signal: AbortSignal): Promise<MessageEvent[]>
  /** Ends the transport. */
  close(): Promise<void>
}
