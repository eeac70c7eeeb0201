/**
 * A counter in WebAssembly text with the shape of `trogon:decider/handler@0.3.0`, and everything a hostile decider may
 * do, chosen by the command. A command's payload is: what to do (`Deed`), the amount, how many events (two bytes, low
 * first), then the stream id. An event's payload is the amount and the counter before the decision (eight bytes, low
 * first). A snapshot is the counter and the counter with its bits turned, so that a changed byte is noticed.
 */

/** What the first byte of a command's payload asks for. */
export const deeds = {
  count: 0,
  reject: 1,
  fault: 2,
  nothing: 3,
  unreachable: 4,
  endless: 5,
  recurse: 6,
  bomb: 7,
  streamError: 8,
  streamTrap: 9,
  snapshotTrap: 12,
  dropTrap: 13,
  bigEvent: 14,
  emptyType: 16,
  longType: 17,
  bigSnapshot: 19,
  noSnapshot: 21,
  longWords: 22,
  badStream: 23,
} as const
export type Deed = keyof typeof deeds

/** Amounts with a meaning of their own when they are folded. */
export const foldErrorAmount = 255
export const foldTrapAmount = 254

export interface DeciderText {
  readonly name: string
  readonly version: string
  readonly commands: readonly {
    readonly type: string
    readonly precondition: 'stream-unchanged' | 'no-stream' | 'stream-exists' | 'any'
    /** Null for no snapshots. */
    readonly frequency: bigint | null
  }[]
  /** The descriptor traps, or is another one each time it is asked for on an instance. */
  readonly descriptor?: 'traps' | 'varies'
  /** Further parts of the core module. */
  readonly more?: string
  /** Adds this to every amount folded: a build that means something else. */
  readonly bias?: number
}

const preconditions = ['stream-unchanged', 'no-stream', 'stream-exists', 'any']
const textsAt = 4_096
const commandsAt = 32_768

function watBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
}

class Texts {
  private at = textsAt
  readonly data: string[] = []

  place(text: string): [number, number] {
    const bytes = new TextEncoder().encode(text)
    const at = this.at
    this.at += bytes.length
    if (this.at > commandsAt) throw new Error('the texts do not fit')
    this.data.push(`(data (i32.const ${at}) "${watBytes(bytes)}")`)
    return [at, bytes.length]
  }
}

/** The core module's text. */
export function deciderWat(decider: DeciderText): string {
  const texts = new Texts()
  const store = (at: number, [pointer, length]: [number, number]): string =>
    `(i32.store (i32.const ${at}) (i32.const ${pointer})) (i32.store (i32.const ${at + 4}) (i32.const ${length}))`
  const commands = decider.commands.map(({ type, precondition, frequency }, index) => {
    const at = commandsAt + index * 32
    return `${store(at, texts.place(type))}
      (i32.store8 (i32.const ${at + 8}) (i32.const ${preconditions.indexOf(precondition)}))
      (i32.store8 (i32.const ${at + 16}) (i32.const ${frequency === null ? 0 : 1}))
      (i64.store (i32.const ${at + 24}) (i64.const ${frequency ?? 0n}))`
  })
  const [added, addedLength] = texts.place('counter.added')
  const [ownerAt, ownerLength] = texts.place('cause.0')
  const error = (code: string, message: string): string =>
    `(call $error (i32.const ${texts.place(code).join(') (i32.const ')}) (i32.const ${texts.place(message).join(') (i32.const ')}))`
  const iface = 'trogon:decider/handler@0.3.0'
  return `(module
  (import "[export]${iface}" "[resource-new]session" (func $new (param i32) (result i32)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))
  (global $sum (mut i64) (i64.const 0))
  (global $asked (mut i32) (i32.const 0))
  (global $deed (mut i32) (i32.const 0))
  (func $realloc (export "cabi_realloc") (param $old i32) (param $oldlen i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1))) (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $len)))
    (local.set $missing (i32.sub (i32.add (i32.shr_u (global.get $heap) (i32.const 16)) (i32.const 1)) (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (unreachable)))))
    (local.get $at))
  (func $release (param i32) (global.set $heap (i32.const 65536)))
  (func $forget (global.set $heap (i32.const 65536)))
  ;; A domain error at 512: code, message, one detail.
  (func $error (param $code i32) (param $codelen i32) (param $message i32) (param $messagelen i32)
    (i32.store (i32.const 512) (local.get $code)) (i32.store (i32.const 516) (local.get $codelen))
    (i32.store (i32.const 520) (local.get $message)) (i32.store (i32.const 524) (local.get $messagelen))
    (i32.store (i32.const 528) (i32.const 560)) (i32.store (i32.const 532) (i32.const 1))
    (i32.store (i32.const 560) (i32.const ${ownerAt})) (i32.store (i32.const 564) (i32.const ${ownerLength}))
    (i32.store (i32.const 568) (local.get $message)) (i32.store (i32.const 572) (local.get $messagelen)))
  (func $descriptor (export "${iface}#descriptor") (result i32)
    ${decider.descriptor === 'traps' ? '(unreachable)' : ''}
    ${store(256, texts.place(decider.name))}
    ${store(264, texts.place(decider.version))}
    ${commands.join('\n    ')}
    (i32.store (i32.const 272) (i32.const ${commandsAt}))
    (i32.store (i32.const 276) (i32.const ${decider.commands.length}))
    (i32.const 256))
  (func $stream-id (export "${iface}#stream-id") (param $type i32) (param $typelen i32) (param $at i32) (param $len i32) (result i32)
    (global.set $deed (if (result i32) (i32.ge_u (local.get $len) (i32.const 1)) (then (i32.load8_u (local.get $at))) (else (i32.const 8))))
    (if (i32.eq (global.get $deed) (i32.const ${deeds.streamTrap})) (then (unreachable)))
    (if (i32.or (i32.eq (global.get $deed) (i32.const ${deeds.streamError})) (i32.lt_u (local.get $len) (i32.const 4))) (then
      ${error('bad-command', 'the command cannot be read')}
      (i32.store8 (i32.const 300) (i32.const 1))
      (memory.copy (i32.const 304) (i32.const 512) (i32.const 24))
      (return (i32.const 300))))
    (if (i32.eq (global.get $deed) (i32.const ${deeds.badStream})) (then (i32.store8 (i32.add (local.get $at) (i32.const 4)) (i32.const 7))))
    (i32.store8 (i32.const 300) (i32.const 0))
    (i32.store (i32.const 304) (i32.add (local.get $at) (i32.const 4)))
    (i32.store (i32.const 308) (i32.sub (local.get $len) (i32.const 4)))
    (i32.const 300))
  (func $open (export "${iface}#[constructor]session") (param $some i32) (param $at i32) (param $len i32) (result i32)
    (global.set $sum (i64.const 0))
    (if (local.get $some) (then
      (if (i32.lt_u (local.get $len) (i32.const 16)) (then (unreachable)))
      (global.set $sum (i64.load align=1 (local.get $at)))
      (if (i64.ne (i64.load offset=8 align=1 (local.get $at)) (i64.xor (global.get $sum) (i64.const -1))) (then (unreachable)))))
    (call $new (i32.const 77)))
  (func $evolve (export "${iface}#[method]session.evolve") (param $self i32) (param $at i32) (param $count i32) (result i32)
    (local $amount i32) (local $before i64)
    (if (i32.ne (local.get $self) (i32.const 77)) (then (unreachable)))
    (local.set $before (global.get $sum))
    (i32.store8 (i32.const 340) (i32.const 0))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (local.set $amount (i32.load8_u (i32.load offset=8 (local.get $at))))
      (if (i32.eq (local.get $amount) (i32.const ${foldTrapAmount})) (then (unreachable)))
      (if (i32.eq (local.get $amount) (i32.const ${foldErrorAmount})) (then
        (global.set $sum (local.get $before))
        ${error('bad-event', 'the event cannot be read')}
        (i32.store8 (i32.const 340) (i32.const 1))
        (memory.copy (i32.const 344) (i32.const 512) (i32.const 24))
        (br $done)))
      (global.set $sum (i64.add (global.get $sum) (i64.add (i64.extend_i32_u (local.get $amount)) (i64.const ${decider.bias ?? 0}))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
    (i32.const 340))
  (func $recurse (param $n i32) (result i32) (i32.add (i32.const 1) (call $recurse (i32.add (local.get $n) (i32.const 1)))))
  (func $decide (export "${iface}#[method]session.decide") (param $self i32) (param $type i32) (param $typelen i32) (param $at i32) (param $len i32) (result i32)
    (local $deed i32) (local $count i32) (local $list i32) (local $each i32) (local $length i32) (local $i i32)
    (local.set $deed (i32.load8_u (local.get $at)))
    (local.set $count (i32.load16_u offset=2 align=1 (local.get $at)))
    (local.set $length (i32.const 9))
    (if (i32.eq (local.get $deed) (i32.const ${deeds.unreachable})) (then (unreachable)))
    (if (i32.eq (local.get $deed) (i32.const ${deeds.endless})) (then (loop $ever (br $ever))))
    (if (i32.eq (local.get $deed) (i32.const ${deeds.recurse})) (then (drop (call $recurse (i32.const 0)))))
    (if (i32.eq (local.get $deed) (i32.const ${deeds.bomb})) (then
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      (unreachable)))
    (if (i32.or (i32.or (i32.eq (local.get $deed) (i32.const ${deeds.reject})) (i32.eq (local.get $deed) (i32.const ${deeds.fault}))) (i32.eq (local.get $deed) (i32.const ${deeds.longWords}))) (then
      ${error('counter.no', 'the counter says no')}
      (if (i32.eq (local.get $deed) (i32.const ${deeds.longWords})) (then
        (local.set $list (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 10000)))
        (memory.fill (local.get $list) (i32.const 7) (i32.const 10000))
        (i32.store (i32.const 512) (local.get $list)) (i32.store (i32.const 516) (i32.const 10000))
        (i32.store (i32.const 520) (local.get $list)) (i32.store (i32.const 524) (i32.const 10000))))
      (i32.store8 (i32.const 400) (i32.const 1))
      (i32.store8 (i32.const 404) (i32.eq (local.get $deed) (i32.const ${deeds.fault})))
      (memory.copy (i32.const 408) (i32.const 512) (i32.const 24))
      (return (i32.const 400))))
    (if (i32.eq (local.get $deed) (i32.const ${deeds.nothing})) (then (local.set $count (i32.const 0))))
    (if (i32.eq (local.get $deed) (i32.const ${deeds.bigEvent})) (then
      ;; One mebibyte, and as many bytes more as the amount says.
      (local.set $length (i32.add (i32.const 1048576) (i32.load8_u offset=1 (local.get $at))))))
    (local.set $each (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $length)))
    (i32.store8 (local.get $each) (i32.load8_u offset=1 (local.get $at)))
    (i64.store offset=1 align=1 (local.get $each) (global.get $sum))
    (local.set $list (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $count) (i32.const 16))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (i32.store (i32.add (local.get $list) (i32.mul (local.get $i) (i32.const 16))) (i32.const ${added}))
      (i32.store offset=4 (i32.add (local.get $list) (i32.mul (local.get $i) (i32.const 16))) (i32.const ${addedLength}))
      (if (i32.eq (local.get $deed) (i32.const ${deeds.emptyType})) (then
        (i32.store offset=4 (i32.add (local.get $list) (i32.mul (local.get $i) (i32.const 16))) (i32.const 0))))
      (if (i32.eq (local.get $deed) (i32.const ${deeds.longType})) (then
        ;; A type of 256 bytes, and as many more as the amount says.
        (memory.fill (i32.const 8192) (i32.const 120) (i32.const 600))
        (i32.store (i32.add (local.get $list) (i32.mul (local.get $i) (i32.const 16))) (i32.const 8192))
        (i32.store offset=4 (i32.add (local.get $list) (i32.mul (local.get $i) (i32.const 16))) (i32.add (i32.const 256) (i32.load8_u offset=1 (local.get $at))))))
      (i32.store offset=8 (i32.add (local.get $list) (i32.mul (local.get $i) (i32.const 16))) (local.get $each))
      (i32.store offset=12 (i32.add (local.get $list) (i32.mul (local.get $i) (i32.const 16))) (local.get $length))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (i32.store8 (i32.const 400) (i32.const 0))
    (i32.store (i32.const 404) (local.get $list))
    (i32.store (i32.const 408) (local.get $count))
    (i32.const 400))
  (func $snapshot (export "${iface}#[method]session.snapshot") (param $self i32) (result i32)
    (local $at i32) (local $len i32)
    (if (i32.eq (global.get $deed) (i32.const ${deeds.snapshotTrap})) (then (unreachable)))
    (local.set $len (if (result i32) (i32.eq (global.get $deed) (i32.const ${deeds.bigSnapshot})) (then (i32.const 4194305)) (else (i32.const 16))))
    (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $len)))
    (i64.store (local.get $at) (global.get $sum))
    (i64.store offset=8 (local.get $at) (i64.xor (global.get $sum) (i64.const -1)))
    (i32.store8 (i32.const 480) (i32.ne (global.get $deed) (i32.const ${deeds.noSnapshot})))
    (i32.store (i32.const 484) (local.get $at))
    (i32.store (i32.const 488) (local.get $len))
    (i32.const 480))
  (func $drop (export "${iface}#[dtor]session") (param $self i32)
    (if (i32.ne (local.get $self) (i32.const 77)) (then (unreachable)))
    (if (i32.eq (global.get $deed) (i32.const ${deeds.dropTrap})) (then (unreachable))))
  (export "cabi_post_${iface}#stream-id" (func $release))
  (export "cabi_post_${iface}#[method]session.evolve" (func $release))
  (export "cabi_post_${iface}#[method]session.decide" (func $release))
  (export "cabi_post_${iface}#[method]session.snapshot" (func $release))
  ${decider.more ?? ''}
  ${texts.data.join('\n  ')}
)`
}
