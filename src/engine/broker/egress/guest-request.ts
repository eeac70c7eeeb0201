/** A guest's request as the pipeline takes it: whole. */
export interface GuestHttpRequest {
  readonly method: string
  readonly url: string
  readonly headersJson: string
  readonly body: Uint8Array | undefined
  /** Of the body as the guest has it: more than `body` has where nobody wanted the rest. */
  readonly bodyBytes?: number
  readonly timeoutMs: number | undefined
}
