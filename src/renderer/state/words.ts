import type { Subscription } from '../../shared/domain/module.ts'
import { count } from '../format/numbers.ts'

/** A subscription in plain words; chains by the names the operator gave them. */
export function subscriptionText(subscription: Subscription, chainName: (chainId: string) => string): string {
  switch (subscription.kind) {
    case 'block':
      return `Every block of ${chainName(subscription.chainId)}${subscription.backfill ? ', missed ones too' : ''}`
    case 'cron':
      return `On the schedule ${subscription.schedule} (UTC)`
    case 'log': {
      const from =
        subscription.addresses.length === 0
          ? 'any contract'
          : count(subscription.addresses.length, 'contract')
      return `Logs of ${from} on ${chainName(subscription.chainId)}`
    }
    case 'message':
      return `Messages on ${subscription.contentTopic}`
    case 'decider-events':
      return `Events of ${subscription.module}${subscription.types.length === 0 ? '' : `: ${subscription.types.join(', ')}`}`
  }
}
