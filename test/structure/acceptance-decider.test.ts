import { holdPage } from './acceptance-page.ts'

/** Rows of the acceptance table of the deciders' specification (spec decider 16), in its order. */
const features = [
  'zero imports',
  'descriptor rules',
  'duplicate routing',
  'atomic activation',
  'takeover',
  'pipeline',
  'ordered, chunked replay',
  'guards',
  'retry',
  'idempotency',
  'fold before snapshot',
  'position rule',
  'snapshot identity',
  'cadence',
  'untrusted snapshot',
  'session drop',
  'trap kinds',
  'limits',
  'events without order loss',
  'crash',
  'disk full, locked, corrupt',
  'checks D1–D17',
  'upgrade rehearsal',
  'dry run',
  'interop',
  'performance',
  'headless',
]

holdPage('docs/acceptance-decider.md', features)
