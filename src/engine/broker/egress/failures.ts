/** Every way a guest's request can fail, as the guest sees it (spec tools 7.1). */
import type { HttpFailureAnswer, ToolFailureKind } from '../../../shared/contracts/tool.ts'
import type { EgressErrorKind } from '../../egress/egress-error.ts'

const kinds = {
  http_unavailable: 'executor',
  method_not_allowed: 'network-denied',
  invalid_headers: 'network-denied',
  invalid_url: 'network-denied',
  policy_denied: 'network-denied',
  private_address: 'network-denied',
  manual_credentials_denied: 'network-denied',
  credential_leak_blocked: 'network-denied',
  redirect_denied: 'network-denied',
  credential_unavailable: 'auth-required',
  request_too_large: 'input',
  rate_limited: 'client',
  dns_failed: 'client',
  network_error: 'client',
  timeout: 'client',
  deadline_exceeded: 'client',
  response_body_limit_exceeded: 'output-too-large',
  response_leak_blocked: 'operation-failed',
  cancelled: 'executor',
  egress_failed: 'operation-failed',
} as const satisfies Record<string, ToolFailureKind>
export type FailureCode = keyof typeof kinds

/** The steps of spec tools 4 that can refuse, as a trace names them. */
export type Step =
  | 'grant'
  | 'rate'
  | 'method'
  | 'headers'
  | 'body'
  | 'url'
  | 'allowlist'
  | 'guest-credentials'
  | 'request-scan'
  | 'credentials'
  | 'address'
  | 'injection'
  | 'redirect'

/** A step said no; nothing of this hop was sent. `reason` is for the operator alone, `text` for the guest. */
export class Refusal extends Error {
  readonly step: Step
  readonly code: FailureCode
  /** What the guest reads instead of the code. */
  readonly text: string | undefined

  constructor(step: Step, code: FailureCode, reason: string, text?: string) {
    super(reason)
    this.name = 'Refusal'
    this.step = step
    this.code = code
    this.text = text
  }
}

/** A request that was let through and yet has no answer for the guest. */
export class Failed extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode) {
    super(code)
    this.name = 'Failed'
    this.code = code
  }
}

export const codeOfEgress: Readonly<Record<EgressErrorKind, FailureCode>> = {
  'invalid-url': 'invalid_url',
  'forbidden-address': 'private_address',
  dns: 'dns_failed',
  connect: 'network_error',
  tls: 'network_error',
  closed: 'network_error',
  malformed: 'network_error',
  timeout: 'timeout',
  'too-large': 'response_body_limit_exceeded',
  cancelled: 'cancelled',
}

/** The message is the code or `text`: no host, address, errno or stack (spec tools 7.1). */
export function failureAnswer(
  code: FailureCode,
  requestSent: boolean,
  text: string = code,
): HttpFailureAnswer {
  return { ok: false, kind: kinds[code], code, message: text, requestSent }
}
