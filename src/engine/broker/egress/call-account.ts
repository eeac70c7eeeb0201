/** Step 17: what a call sent and received (spec tools 4). */
export class CallAccount {
  /** Outbound body bytes of requests that were sent; refused ones count zero. */
  egressBytes = 0
  /** Method, URL, headers, framing and bodies of requests that were sent. */
  totalBytesOut = 0
  /** Bytes of answers before decoding, also of those that were not delivered. */
  bytesIn = 0
  /** Requests sent, each redirect for itself. */
  httpRequests = 0
  /** Status of the last answer. */
  lastStatus: number | null = null
  /** Secrets whose values were missing when a request needed them. */
  readonly missingSecrets = new Set<string>()
  /** Requests of the guest, refused ones included. */
  private requests = 0

  /** False when the call has had `max` already. */
  takeRequest(max: number): boolean {
    if (this.requests >= max) return false
    this.requests += 1
    return true
  }

  sent(bodyBytes: number, totalBytes: number): void {
    this.egressBytes += bodyBytes
    this.totalBytesOut += totalBytes
    this.httpRequests += 1
  }
}
