/** Messages as an event source: what a contract session asks of the messaging capability (spec nexum-host 8.10, 10.6). */

/** A message that arrived on a topic. */
export interface MessageEvent {
  readonly contentTopic: string
  readonly payload: Uint8Array
  /** Time of receipt by the host, Unix milliseconds. */
  readonly timestampMs: number
  /** UTF-8 module name on the local bus, else what the transport proves, else null. */
  readonly sender: Uint8Array | null
}

export interface MessageSource {
  /**
   * Calls the listener with every message that arrives on exactly this topic from now on, in order of receipt;
   * history is not replayed. Unless `echo`, what `module` itself published is left out. The listener does not
   * throw and is never called during this call. Answers the unsubscription. Never throws: while the transport
   * is away there are just no messages; with messaging switched off there are none at all.
   */
  subscribe(
    contentTopic: string,
    module: string,
    echo: boolean,
    listener: (message: MessageEvent) => void,
  ): () => void
}
