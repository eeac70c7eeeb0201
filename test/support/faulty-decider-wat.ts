/**
 * A counter that does everything right, and copies of it with one defect each, for the conformance checks. A command's
 * payload is its kind (0 adds, 1 is rejected), the amount, and one byte that names the stream. An event's payload is the
 * amount. A snapshot is the counter and the counter with its bits turned, so that a changed byte is noticed.
 */

/** By check: what is put where, in WebAssembly text. */
export const defects = {
  /** A session counts those before it on the instance. */
  D3: {
    decide: '(local.set $amount (i32.add (local.get $amount) (i32.sub (global.get $opened) (i32.const 1))))',
  },
  /** Deciding counts. */
  D4: { decide: '(global.set $sum (i64.add (global.get $sum) (i64.const 1)))' },
  /** The second call of a session counts more. */
  D5: {
    fold: '(if (i32.ge_u (global.get $folds) (i32.const 2)) (then (global.set $sum (i64.add (global.get $sum) (i64.const 100)))))',
  },
  /** A resumed session has forgotten something. */
  D6: { resume: '(if (i64.gt_u (global.get $sum) (i64.const 3)) (then (global.set $sum (i64.const 3))))' },
  /** It decides what it cannot read. */
  D7: { decided: '(local.set $length (i32.const 2))' },
  /** A refused batch counts as far as it was read. */
  D8: { refuse: '(global.set $sum (local.get $now))' },
  /** Events of others are refused. */
  D9: { foreign: '(local.set $bad (i32.const 1))' },
  /** The stream id is another once the session decided. */
  D10: { stream: '(if (global.get $decided) (then (i32.store8 (i32.const 200) (i32.const 88))))' },
  /** Some bytes are not expected. */
  D11: { decide: '(if (i32.eq (i32.load8_u (local.get $at)) (i32.const 255)) (then (unreachable)))' },
  /** Any sixteen bytes are believed. */
  D12: { believe: '(i32.const 1)' },
  /** A large counter takes long. */
  D13: {
    decide: `(if (i64.gt_u (global.get $sum) (i64.const 5000)) (then (local.set $spin (i32.const 15000000))
      (loop $more (local.set $spin (i32.sub (local.get $spin) (i32.const 1))) (br_if $more (local.get $spin)))))`,
  },
  /** Each session keeps a kibibyte. */
  D14: {
    open: '(global.set $heap (i32.add (global.get $floor) (i32.const 1024))) (global.set $floor (global.get $heap))',
  },
  /** Large amounts of old can no longer be read. */
  D16: { read: '(if (i32.ge_u (local.get $amount) (i32.const 100)) (then (local.set $bad (i32.const 1))))' },
  /** It counts one more. */
  D17: { decide: '(local.set $amount (i32.add (local.get $amount) (i32.const 1)))' },
} as const satisfies Record<string, Partial<Record<Place, string>>>
export type Defect = keyof typeof defects
type Place =
  'decide' | 'decided' | 'fold' | 'resume' | 'refuse' | 'foreign' | 'stream' | 'believe' | 'open' | 'read'

const iface = 'trogon:decider/handler@0.3.0'

/** The core module's text. */
export function faultyDeciderWat(defect: Defect | null): string {
  const parts: Partial<Record<Place, string>> = defect === null ? {} : defects[defect]
  const at = (place: Place): string => parts[place] ?? ''
  return `(module
  (import "[export]${iface}" "[resource-new]session" (func $new (param i32) (result i32)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))
  (global $floor (mut i32) (i32.const 65536))
  (global $sum (mut i64) (i64.const 0))
  (global $opened (mut i32) (i32.const 0))
  (global $folds (mut i32) (i32.const 0))
  (global $decided (mut i32) (i32.const 0))
  (data (i32.const 4096) "demo.counter")
  (data (i32.const 4112) "0.1.0")
  (data (i32.const 4128) "counter.add")
  (data (i32.const 4144) "counter.added")
  (data (i32.const 4160) "counter.no")
  (data (i32.const 4176) "bad-input")
  (func $realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1))) (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $len)))
    (local.set $missing (i32.sub (i32.add (i32.shr_u (global.get $heap) (i32.const 16)) (i32.const 1)) (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (unreachable)))))
    (local.get $at))
  (func $release (param i32) (global.set $heap (global.get $floor)))
  ;; A domain error without details at $to: code, message.
  (func $error (param $to i32) (param $code i32) (param $length i32)
    (i32.store (local.get $to) (local.get $code)) (i32.store offset=4 (local.get $to) (local.get $length))
    (i32.store offset=8 (local.get $to) (local.get $code)) (i32.store offset=12 (local.get $to) (local.get $length))
    (i32.store offset=16 (local.get $to) (i32.const 0)) (i32.store offset=20 (local.get $to) (i32.const 0)))
  (func (export "${iface}#descriptor") (result i32)
    (i32.store (i32.const 256) (i32.const 4096)) (i32.store (i32.const 260) (i32.const 12))
    (i32.store (i32.const 264) (i32.const 4112)) (i32.store (i32.const 268) (i32.const 5))
    (i32.store (i32.const 272) (i32.const 320)) (i32.store (i32.const 276) (i32.const 1))
    (i32.store (i32.const 320) (i32.const 4128)) (i32.store (i32.const 324) (i32.const 11))
    (i32.store8 (i32.const 328) (i32.const 0))
    (i32.store8 (i32.const 336) (i32.const 1)) (i64.store (i32.const 344) (i64.const 3))
    (i32.const 256))
  (func (export "${iface}#stream-id") (param $type i32) (param $typelen i32) (param $at i32) (param $len i32) (result i32)
    (if (i32.lt_u (local.get $len) (i32.const 3)) (then
      (i32.store8 (i32.const 300) (i32.const 1))
      (call $error (i32.const 304) (i32.const 4176) (i32.const 9))
      (return (i32.const 300))))
    ;; A letter, whatever the byte.
    (i32.store8 (i32.const 200) (i32.add (i32.const 97) (i32.and (i32.load8_u offset=2 (local.get $at)) (i32.const 15))))
    ${at('stream')}
    (i32.store8 (i32.const 300) (i32.const 0))
    (i32.store (i32.const 304) (i32.const 200)) (i32.store (i32.const 308) (i32.const 1))
    (i32.const 300))
  (func (export "${iface}#[constructor]session") (param $some i32) (param $at i32) (param $len i32) (result i32)
    (global.set $sum (i64.const 0)) (global.set $folds (i32.const 0)) (global.set $decided (i32.const 0))
    (global.set $opened (i32.add (global.get $opened) (i32.const 1)))
    (if (local.get $some) (then
      (if (i32.ne (local.get $len) (i32.const 16)) (then (unreachable)))
      (global.set $sum (i64.load align=1 (local.get $at)))
      (if (i32.eqz (i32.or ${at('believe') === '' ? '(i32.const 0)' : at('believe')}
        (i64.eq (i64.load offset=8 align=1 (local.get $at)) (i64.xor (global.get $sum) (i64.const -1))))) (then (unreachable)))
      ${at('resume')}))
    (global.set $heap (global.get $floor))
    ${at('open')}
    (call $new (i32.const 77)))
  (func $isOurs (param $at i32) (param $len i32) (result i32)
    (local $i i32)
    (if (i32.ne (local.get $len) (i32.const 13)) (then (return (i32.const 0))))
    (loop $next
      (if (i32.ne (i32.load8_u (i32.add (local.get $at) (local.get $i))) (i32.load8_u offset=4144 (local.get $i))) (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 13))))
    (i32.const 1))
  (func (export "${iface}#[method]session.evolve") (param $self i32) (param $at i32) (param $count i32) (result i32)
    (local $now i64) (local $bad i32) (local $amount i32) (local $ours i32)
    (local.set $now (global.get $sum))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (if (call $isOurs (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
        (then
          (local.set $ours (i32.const 1))
          (if (i32.ne (i32.load offset=12 (local.get $at)) (i32.const 1)) (then (local.set $bad (i32.const 1)) (br $done)))
          (local.set $amount (i32.load8_u (i32.load offset=8 (local.get $at))))
          ${at('read')}
          (local.set $now (i64.add (local.get $now) (i64.extend_i32_u (local.get $amount)))))
        (else (nop) ${at('foreign')}))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
    (if (local.get $bad) (then
      ${at('refuse')}
      (i32.store8 (i32.const 400) (i32.const 1))
      (call $error (i32.const 404) (i32.const 4176) (i32.const 9))
      (return (i32.const 400))))
    (global.set $sum (local.get $now))
    (if (local.get $ours) (then
      (global.set $folds (i32.add (global.get $folds) (i32.const 1)))
      ${at('fold')}))
    (i32.store8 (i32.const 400) (i32.const 0))
    (i32.const 400))
  (func (export "${iface}#[method]session.decide") (param $self i32) (param $type i32) (param $typelen i32) (param $at i32) (param $len i32) (result i32)
    (local $amount i32) (local $length i32) (local $spin i32)
    (if (i32.or (i32.lt_u (local.get $len) (i32.const 3)) (i32.ne (local.get $typelen) (i32.const 11))) (then
      (i32.store8 (i32.const 500) (i32.const 1)) (i32.store8 (i32.const 504) (i32.const 1))
      (call $error (i32.const 508) (i32.const 4176) (i32.const 9))
      (return (i32.const 500))))
    (local.set $amount (i32.load8_u offset=1 (local.get $at)))
    (local.set $length (i32.const 1))
    ${at('decide')}
    (global.set $decided (i32.const 1))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 1)) (then
      (i32.store8 (i32.const 500) (i32.const 1)) (i32.store8 (i32.const 504) (i32.const 0))
      (call $error (i32.const 508) (i32.const 4160) (i32.const 10))
      (return (i32.const 500))))
    ${at('decided')}
    (i32.store8 (i32.const 600) (local.get $amount))
    (i32.store (i32.const 620) (i32.const 4144)) (i32.store (i32.const 624) (i32.const 13))
    (i32.store (i32.const 628) (i32.const 600)) (i32.store (i32.const 632) (local.get $length))
    (i32.store8 (i32.const 500) (i32.const 0))
    (i32.store (i32.const 504) (i32.const 620)) (i32.store (i32.const 508) (i32.const 1))
    (i32.const 500))
  (func (export "${iface}#[method]session.snapshot") (param $self i32) (result i32)
    (i64.store (i32.const 700) (global.get $sum))
    (i64.store (i32.const 708) (i64.xor (global.get $sum) (i64.const -1)))
    (i32.store8 (i32.const 720) (i32.const 1))
    (i32.store (i32.const 724) (i32.const 700)) (i32.store (i32.const 728) (i32.const 16))
    (i32.const 720))
  (func (export "${iface}#[dtor]session") (param $self i32) (global.set $decided (i32.const 0)))
  (export "cabi_post_${iface}#stream-id" (func $release))
  (export "cabi_post_${iface}#[method]session.evolve" (func $release))
  (export "cabi_post_${iface}#[method]session.decide" (func $release))
  (export "cabi_post_${iface}#[method]session.snapshot" (func $release))
)`
}
