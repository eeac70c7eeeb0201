/** What looks like a secret (spec tools 6): each pattern begins with a text that is looked for, and is checked from there. */
import type { MatchSource } from '../matches.ts'
import type { PatternAction } from '../types.ts'
import { byteClass } from './byte-classes.ts'

/** A run of bytes of one class: `count` of them, or more where nothing follows; then perhaps one byte as it is. */
export interface RunStep {
  readonly mask: number
  readonly count: number
  readonly then?: string
}

export interface PrefixPattern extends MatchSource {
  /** In the case given. */
  readonly prefix: string
  readonly steps: readonly RunStep[]
}

const { alphanumeric, alphanumericOrDash, base64url, digit, hex, upperOrDigit } = byteClass

function pattern(id: string, prefix: string, mask: number, count: number): PrefixPattern {
  return { id, action: 'block', hasPreview: true, prefix, steps: [{ mask, count }] }
}

/** Patterns of a prefix and runs. The last run takes all that is of its class, so that no rest of a secret is left. */
export const prefixPatterns: readonly PrefixPattern[] = [
  pattern('openai-key', 'sk-', alphanumeric, 20),
  pattern('openai-project-key', 'sk-proj-', base64url, 20),
  pattern('anthropic-key', 'sk-ant-api', base64url, 90),
  {
    ...pattern('anthropic-oauth-token', 'sk-ant-oat', base64url, 50),
    steps: [
      { mask: digit, count: 2, then: '-' },
      { mask: base64url, count: 50 },
    ],
  },
  pattern('openrouter-key', 'sk-or-v1-', hex, 40),
  pattern('aws-access-key', 'AKIA', upperOrDigit, 16),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) =>
    pattern('github-token', prefix, alphanumeric, 16),
  ),
  {
    ...pattern('github-fine-grained-token', 'github_pat_', alphanumeric, 59),
    steps: [
      { mask: alphanumeric, count: 22, then: '_' },
      { mask: alphanumeric, count: 59 },
    ],
  },
  pattern('stripe-live-key', 'sk_live_', alphanumeric, 24),
  pattern('stripe-test-key', 'sk_test_', alphanumeric, 24),
  pattern('session-token', 'sess_', alphanumeric, 32),
  pattern('google-api-key', 'AIza', base64url, 35),
  ...['xoxb-', 'xoxa-', 'xoxp-', 'xoxr-', 'xoxs-'].map((prefix) =>
    pattern('slack-token', prefix, alphanumericOrDash, 10),
  ),
  pattern('twilio-key', 'SK', hex, 32),
  {
    ...pattern('sendgrid-key', 'SG.', base64url, 43),
    steps: [
      { mask: base64url, count: 22, then: '.' },
      { mask: base64url, count: 43 },
    ],
  },
  pattern('groq-key', 'gsk_', alphanumeric, 30),
  // What marks the place of a value of ours before it is filled in.
  pattern('paddock-placeholder', 'paddock_secret_', alphanumeric, 16),
]

function special(id: string, action: PatternAction, hasPreview = true): MatchSource {
  return { id, action, hasPreview }
}

/** Patterns that a check of their own decides. */
export const specialPatterns = {
  telegramToken: special('telegram-token', 'block'),
  privateKey: special('private-key', 'block', false),
  jsonWebToken: special('json-web-token', 'redact'),
  bearer: special('bearer-token', 'redact'),
  authorization: special('authorization-value', 'redact'),
  hexKey: special('hex-key', 'warn', false),
} as const

/** Bytes of the shortest text that any pattern matches (`xoxb-` and 10). */
export const shortestMatchBytes = 15
