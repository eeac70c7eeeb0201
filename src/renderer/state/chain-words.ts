import type { ChainConfig } from '../../shared/domain/chain.ts'
import { count, duration, groupDigits, measureText } from '../format/numbers.ts'

/** How calls to a chain are retried, paced and answered, as sentences. */
export function policySentences(config: ChainConfig): readonly string[] {
  const { rpcPolicy } = config
  return [
    config.endpoints.length > 1
      ? 'Endpoints are tried in the order above. The first that answers serves, and goes on serving until it fails; Paddock returns to a better one when that answers again.'
      : 'There is one endpoint: while it does not answer, calls are unavailable and no block is skipped.',
    rpcPolicy.maxRetries === 0
      ? 'A call that gets no answer is not tried again on the same endpoint.'
      : `A call that gets no answer is tried up to ${count(rpcPolicy.maxRetries, 'more time')} on the same endpoint, after a random pause; an answer that is an error is never tried again.`,
    `At most ${groupDigits(rpcPolicy.rateLimitPerSecond)} calls a second go to each endpoint; what is over waits.`,
    `A module’s call ends after ${measureText(duration(config.requestTimeoutMs))} in all, waiting and trying again included.`,
    config.signingMethods === 'delegate'
      ? 'Signing methods go to the accounts you granted; no endpoint ever signs.'
      : 'Signing methods are denied.',
    `Missed logs are fetched in pieces of ${count(config.maxLogRangeBlocks, 'block')}.`,
    ...(config.extraMethods.length === 0
      ? []
      : [`Beyond the reads, modules may be granted ${config.extraMethods.join(', ')}.`]),
  ]
}
