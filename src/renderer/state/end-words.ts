import type { EndClass } from '../../shared/domain/module.ts'

/** How a run ended, in words that follow "It". */
export const endWords: Readonly<Record<EndClass, string>> = {
  clean: 'ended by itself',
  error: 'failed by its own fault',
  crash: 'crashed with its process',
  oom: 'ran out of memory',
  killed: 'was stopped by force',
  'launch-failed': 'could not be started',
  'start-timeout': 'did not start in time',
}
