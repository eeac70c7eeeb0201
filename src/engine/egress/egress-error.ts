/** What can become of a request before its answer is whole. */
export type EgressErrorKind =
  /** The text is no absolute http or https URL. */
  | 'invalid-url'
  /** An address of the host is not of the public internet and not permitted. */
  | 'forbidden-address'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  /** The body is over the cap, before or after decoding. */
  | 'too-large'
  /** The peer closed the connection before its answer was whole. */
  | 'closed'
  /** The answer is not HTTP, or not in the encoding it claims. */
  | 'malformed'
  /** The caller went away. */
  | 'cancelled'

/** A request without a whole answer. Its message names the host at most, never path, query or headers. */
export class EgressError extends Error {
  readonly kind: EgressErrorKind
  /** Whether any byte of the request may have reached the peer. */
  readonly requestSent: boolean

  constructor(
    kind: EgressErrorKind,
    message: string,
    options: { readonly requestSent?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'EgressError'
    this.kind = kind
    this.requestSent = options.requestSent ?? false
  }
}
