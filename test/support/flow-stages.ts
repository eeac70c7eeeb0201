/** Stages whose faults a test chooses, one for each role. */
import { dropLent, elementParams, lifecycle, type HostFunction } from '../fixtures/stages/wat.ts'
import type { StageFixture } from '../fixtures/stages/stages.ts'

const lends: readonly HostFunction[] = ['drop', 'drop-context']
const makes: readonly HostFunction[] = ['allocate', 'append', 'freeze', 'drop-mutable']

/** Cases of `process-error` by number, then ways to die. */
export const faults = {
  'invalid-input': 0,
  unavailable: 1,
  internal: 2,
  'deadline-exceeded': 3,
  fatal: 4,
  trap: 5,
  endless: 6,
} as const
export type Fault = keyof typeof faults

/** Config of a stage here: the calls from `first` on, `times` of them, come to `fault`; a source gives `count` elements. */
export function faulty(
  fault: Fault,
  options: { first?: number; times?: number; count?: number } = {},
): string {
  const { first = 0, times = 1, count = 4 } = options
  return `${first} ${faults[fault]} ${times} ${count}`
}

/** Of a stage that never fails. */
export const sound = '4000000000 0 0 4'

const failing = `
  (data (i32.const 1100) "as\\0atold")
  (global $calls (mut i32) (i32.const 0))
  (global $given (mut i32) (i32.const 0))
  (func $fails (param $at i32) (result i32)
    (local $call i32) (local $first i32) (local $case i32)
    (local.set $call (global.get $calls))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $first (call $number (i32.const 0) (i32.const -1)))
    (if (i32.lt_u (local.get $call) (local.get $first)) (then (return (i32.const 0))))
    (if (i32.ge_u (i32.sub (local.get $call) (local.get $first)) (call $number (i32.const 2) (i32.const 0)))
      (then (return (i32.const 0))))
    (local.set $case (call $number (i32.const 1) (i32.const 0)))
    (if (i32.eq (local.get $case) (i32.const 5)) (then (unreachable)))
    (if (i32.eq (local.get $case) (i32.const 6)) (then (loop $ever (br $ever))))
    (call $refuse (local.get $at) (local.get $case) (i32.const 1100) (i32.const 7)))`

const orFail = (at: 4 | 8): string => `
    (local.set $answer (call $fails (i32.const ${at})))
    (if (local.get $answer) (then (return (local.get $answer))))`

/** Two i64: number and time as the stage was told them. */
const witness = `
  (func $witness (param $seq i64) (param $time i64) (result i32)
    (i64.store (i32.const 8192) (local.get $seq))
    (i64.store (i32.const 8200) (local.get $time))
    (call $sealed (i32.const 8192) (i32.const 16)))`

export const flowStages: Readonly<Record<string, StageFixture>> = {
  /** Elements of 4 bytes: their number from 0. */
  'faulty-source': {
    world: 'torvyn-streaming/data-source',
    hosts: makes,
    exports: {
      'torvyn:streaming/source@0.1.0#pull': 'pull',
      'torvyn:streaming/source@0.1.0#notify-backpressure': 'notify-backpressure',
      ...lifecycle,
    },
    body: `${failing}
  (func $pull (result i32)
    (local $answer i32)
    (if (i32.ge_u (global.get $given) (call $number (i32.const 3) (i32.const 4))) (then (return (call $none))))
    ${orFail(8)}
    (i32.store (i32.const 8192) (global.get $given))
    (global.set $given (i32.add (global.get $given) (i32.const 1)))
    (call $emit (call $sealed (i32.const 8192) (i32.const 4))))`,
  },
  /** Emits what it was given. */
  'faulty-processor': {
    world: 'torvyn-streaming/managed-transform',
    hosts: [...lends, ...makes, 'read-all'],
    exports: { 'torvyn:streaming/processor@0.1.0#process': 'process', ...lifecycle },
    body: `${failing}
  (func $process ${elementParams}
    (local $answer i32) (local $handle i32)
    (call $read-all (local.get $payload) (i32.const 160))
    ${dropLent} ${orFail(8)}
    (call $emit (call $sealed (i32.load (i32.const 160)) (i32.load (i32.const 164)))))`,
  },
  /** Emits number and time of what it was given. */
  witness: {
    world: 'torvyn-streaming/managed-transform',
    hosts: [...lends, ...makes],
    exports: { 'torvyn:streaming/processor@0.1.0#process': 'process', ...lifecycle },
    body: `${failing} ${witness}
  (func $process ${elementParams}
    (local $answer i32)
    ${dropLent} ${orFail(8)}
    (call $emit (call $witness (local.get $seq) (local.get $time))))`,
  },
  'faulty-filter': {
    world: 'torvyn-filtering/content-filter',
    hosts: lends,
    exports: { 'torvyn:filtering/filter@0.1.0#evaluate': 'evaluate', ...lifecycle },
    body: `${failing}
  (func $evaluate ${elementParams}
    (local $answer i32) ${dropLent} ${orFail(4)}
    (call $answer (i32.const 1)))`,
  },
  /** Always chooses port `output`. */
  'faulty-router': {
    world: 'torvyn-filtering/content-router',
    hosts: lends,
    exports: { 'torvyn:filtering/router@0.1.0#route': 'route', ...lifecycle },
    body: `${failing}
  (data (i32.const 1120) "output")
  (func $route ${elementParams}
    (local $answer i32) ${dropLent} ${orFail(4)}
    (i32.store8 (i32.const 64) (i32.const 0))
    (i32.store (i32.const 68) (i32.const 1200)) (i32.store (i32.const 72) (i32.const 1))
    (i32.store (i32.const 1200) (i32.const 1120)) (i32.store (i32.const 1204) (i32.const 6))
    (i32.const 64))`,
  },
  /** Hands each element on and, at the flush, as many of "text/plain" as the fifth number says. */
  'faulty-aggregator': {
    world: 'torvyn-aggregation/stream-aggregator',
    hosts: [...lends, ...makes, 'read-all'],
    exports: {
      'torvyn:aggregation/aggregator@0.1.0#ingest': 'ingest',
      'torvyn:aggregation/aggregator@0.1.0#flush': 'flush',
      ...lifecycle,
    },
    body: `${failing}
  (func $ingest ${elementParams}
    (local $answer i32)
    (call $read-all (local.get $payload) (i32.const 160))
    ${dropLent} ${orFail(8)}
    (call $emit (call $sealed (i32.load (i32.const 160)) (i32.load (i32.const 164)))))
  (func $flush (result i32)
    (local $answer i32) (local $count i32) (local $i i32)
    ${orFail(4)}
    (local.set $count (call $number (i32.const 4) (i32.const 0)))
    (i32.store8 (i32.const 64) (i32.const 0))
    (i32.store (i32.const 68) (i32.const 8192))
    (i32.store (i32.const 72) (local.get $count))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (call $element (i32.add (i32.const 8192) (i32.shl (local.get $i) (i32.const 5))) (call $sealed (i32.const 1024) (i32.const 10)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (i32.const 64))`,
  },
  /** Pauses when the fifth number says at every how many-th. */
  'faulty-sink': {
    world: 'torvyn-streaming/data-sink',
    hosts: lends,
    exports: {
      'torvyn:streaming/sink@0.1.0#push': 'push',
      'torvyn:streaming/sink@0.1.0#complete': 'complete',
      ...lifecycle,
    },
    body: `${failing}
  (global $seen (mut i32) (i32.const 0))
  (func $push ${elementParams}
    (local $answer i32) (local $every i32) ${dropLent} ${orFail(4)}
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (local.set $every (call $number (i32.const 4) (i32.const 0)))
    (if (local.get $every) (then (return (call $answer (i32.eqz (i32.rem_u (global.get $seen) (local.get $every)))))))
    (call $answer (i32.const 0)))
  (func $complete (result i32)
    (if (call $number (i32.const 5) (i32.const 0)) (then (return (call $refuse (i32.const 4) (i32.const 2) (i32.const 1100) (i32.const 7)))))
    (call $answer (i32.const 0)))`,
  },
} as const satisfies Readonly<Record<string, StageFixture>>

export type FlowStageName =
  | 'faulty-source'
  | 'faulty-processor'
  | 'witness'
  | 'faulty-filter'
  | 'faulty-router'
  | 'faulty-aggregator'
  | 'faulty-sink'
