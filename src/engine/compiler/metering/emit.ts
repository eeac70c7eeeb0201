/**
 * Second pass over a function body: copy it, inserting the charges its plan asks for.
 *
 * Whatever is inserted leaves the operand stack as it was and opens no label around existing
 * code, so it may stand before any instruction and no branch depth changes.
 *
 * Where a scope caches, the counter lives in a local and the global may be out of date. The
 * emitter tracks whether the local holds the counter (`valid`) and whether it is ahead of the
 * global (`dirty`). At joins it assumes both, and before any branch or fall-through into a join
 * it makes the local valid; before control leaves for a scope that does not cache, or for another
 * function, it makes the global up to date.
 */
import { type ByteReader, type ByteWriter, meterError } from './bytes.ts'
import { bytesShift, lengthClamp, pageShift } from './opcodes.ts'
import { Event, Length, type PlanEvent, type Regions } from './regions.ts'

const Op = {
  Unreachable: 0x00,
  If: 0x04,
  Else: 0x05,
  End: 0x0b,
  Select: 0x1b,
  LocalGet: 0x20,
  LocalSet: 0x21,
  LocalTee: 0x22,
  GlobalGet: 0x23,
  GlobalSet: 0x24,
  I32Const: 0x41,
  I64Const: 0x42,
  I32Ne: 0x47,
  I64Ne: 0x52,
  I64LtS: 0x53,
  I64LtU: 0x54,
  I64Sub: 0x7d,
  I64Shl: 0x86,
  I64ShrU: 0x88,
  I64ExtendI32U: 0xad,
} as const
const EMPTY = 0x40 // block type
const MINUS_ONE = 0x7f

/** Indices of the locals that metering adds. Each `length` has a neighbour for the result of a grow. */
export interface OwnLocals {
  fuel: number
  length32: number
  length64: number
}

export class BodyEmitter {
  chargePoints = 0
  checks = 0
  private readonly reader: ByteReader
  private readonly out: ByteWriter
  private readonly fuelGlobal: number

  private own: OwnLocals = { fuel: 0, length32: 0, length64: 0 }
  private copied = 0 // everything before this position is in the output
  private at = 0 // where the current event stands

  private cached = false // does the current scope keep the counter in the local?
  private valid = false
  private dirty = false
  private checked = false // has the counter been checked since it last changed?

  private depth = 0
  private readonly targetCached: boolean[] = [] // the scope that a branch to the label leads to
  private readonly afterCached: boolean[] = [] // the scope after the frame's end

  constructor(reader: ByteReader, out: ByteWriter, fuelGlobal: number) {
    this.reader = reader
    this.out = out
    this.fuelGlobal = fuelGlobal
  }

  emit(plan: Regions, start: number, end: number, own: OwnLocals): void {
    this.own = own
    this.copied = start
    this.depth = 0
    this.pushLabel(false, false) // leaving the function always hands over the global
    this.cached = plan.scopes[0]?.cached === true
    this.valid = this.dirty = this.checked = false
    for (const event of plan.events) {
      this.at = event.at
      this.step(event, plan)
    }
    this.at = end
    this.copyPending()
  }

  private step({ kind, argument }: PlanEvent, plan: Regions): void {
    switch (kind) {
      case Event.Charge: {
        const region = plan.regions[argument]
        if (region !== undefined) this.charge(region.cost, region.checked)
        break
      }
      case Event.Open:
        if (argument === 1) this.handOver(this.cached) // from an `if` without else, control may go straight to its end
        this.pushLabel(this.cached, this.cached)
        break
      case Event.Loop: {
        const inside = plan.scopes[argument]?.cached === true
        this.handOver(inside)
        this.pushLabel(inside, this.cached)
        this.land(inside)
        break
      }
      case Event.Arm: {
        const after = this.afterCached[this.depth - 1] === true
        if (argument === 1) this.handOver(after)
        this.land(after)
        break
      }
      case Event.End: {
        const after = this.afterCached[--this.depth] === true
        if (argument === 1) this.handOver(after)
        this.land(after)
        break
      }
      case Event.Branch:
        this.handOver(this.leadsToCached(argument))
        break
      case Event.BranchTable:
        this.branchTable()
        break
      case Event.Leave:
      case Event.Call:
        this.handOver(false)
        if (argument === 1 && !this.checked) this.check() // no host function runs on credit
        this.valid = this.dirty = this.checked = false // the callee moves the global on
        break
      case Event.Length:
        this.length(argument)
        break
      case Event.Grown:
        this.grown(argument)
        break
    }
  }

  /** Whether a branch to `label` leads to a scope that caches. */
  private leadsToCached(label: number): boolean {
    return this.targetCached[this.depth - 1 - label] === true
  }

  /** Control is about to pass to a scope that caches, or to one that does not. */
  private handOver(toCached: boolean): void {
    if (toCached && !(this.cached && this.valid)) {
      this.copyPending()
      this.global(Op.GlobalGet)
      this.local(Op.LocalSet, this.own.fuel)
      this.valid = true
    }
    if (!toCached && this.cached && this.dirty) {
      this.copyPending()
      this.local(Op.LocalGet, this.own.fuel)
      this.global(Op.GlobalSet)
      this.dirty = false
    }
  }

  /** Control arrives at a join. */
  private land(cached: boolean): void {
    this.cached = this.valid = this.dirty = cached
    this.checked = false
  }

  private pushLabel(target: boolean, after: boolean): void {
    this.targetCached[this.depth] = target
    this.afterCached[this.depth++] = after
  }

  /** The targets may be of both kinds; then local and global must both be right. */
  private branchTable(): void {
    const { reader } = this
    const saved = reader.pos
    reader.pos = this.at + 1
    const kinds = new Set<boolean>()
    for (let n = reader.u32(); n >= 0; n--) kinds.add(this.leadsToCached(reader.u32()))
    reader.pos = saved
    if (kinds.has(true)) this.handOver(true)
    if (kinds.has(false)) this.handOver(false)
  }

  private charge(cost: number, withCheck: boolean): void {
    if (cost === 0) return // never so for a checked region that can repeat: each way back costs 1
    if (cost > 0x7fff_ffff) throw meterError('compiler.over_limit', 'too much code in one region', this.at)
    this.chargePoints++
    this.copyPending()
    this.getCounter()
    this.out.u8(Op.I64Const)
    this.out.s32(cost)
    this.out.u8(Op.I64Sub)
    if (this.cached) {
      this.local(withCheck ? Op.LocalTee : Op.LocalSet, this.own.fuel)
      this.valid = this.dirty = true
    } else {
      this.global(Op.GlobalSet)
      if (withCheck) this.global(Op.GlobalGet) // the engine forwards the stored value
    }
    if (withCheck) this.trapIfNegative()
    this.checked = withCheck
  }

  private check(): void {
    this.copyPending()
    this.getCounter()
    this.trapIfNegative()
  }

  /** Takes the counter from the stack. A negative global is how the host knows this trap. */
  private trapIfNegative(): void {
    this.checks++
    this.bytes(Op.I64Const, 0, Op.I64LtS, Op.If, EMPTY)
    if (this.cached && this.dirty) {
      this.local(Op.LocalGet, this.own.fuel)
      this.global(Op.GlobalSet)
    }
    this.bytes(Op.Unreachable, Op.End)
  }

  private length(flags: number): void {
    if (this.cached) {
      this.handOver(true)
      this.handOver(false) // local and global agree, and chargeLength keeps it so
    }
    this.copyPending()
    this.local(Op.LocalTee, this.lengthLocal(flags))
    if ((flags & Length.Grow) === 0) this.chargeLength(flags)
  }

  /** A grow that fails answers -1; then the length is not charged. */
  private grown(flags: number): void {
    const result = this.lengthLocal(flags) + 1
    this.copyPending()
    this.local(Op.LocalTee, result)
    this.local(Op.LocalGet, result)
    if (flags & Length.Is64) this.bytes(Op.I64Const, MINUS_ONE, Op.I64Ne, Op.If, EMPTY)
    else this.bytes(Op.I32Const, MINUS_ONE, Op.I32Ne, Op.If, EMPTY)
    this.chargeLength(flags)
    if ((flags & Length.Unit) === Length.Pages) {
      // The global after the counter: memory was refused.
      this.bytes(Op.Else, Op.I32Const, 1, Op.GlobalSet)
      this.out.u32(this.fuelGlobal + 1)
    }
    this.bytes(Op.End)
  }

  private chargeLength(flags: number): void {
    const { out, own } = this
    const length = this.lengthLocal(flags)
    this.chargePoints++
    this.global(Op.GlobalGet)
    this.local(Op.LocalGet, length)
    if (flags & Length.Is64) {
      // min(length, clamp), unsigned
      this.bytes(Op.I64Const)
      out.s64(lengthClamp)
      this.local(Op.LocalGet, length)
      this.bytes(Op.I64Const)
      out.s64(lengthClamp)
      this.bytes(Op.I64LtU, Op.Select)
    } else {
      this.bytes(Op.I64ExtendI32U)
    }
    const unit = flags & Length.Unit
    if (unit === Length.Bytes) this.bytes(Op.I64Const, bytesShift, Op.I64ShrU)
    if (unit === Length.Pages) this.bytes(Op.I64Const, pageShift, Op.I64Shl)
    this.bytes(Op.I64Sub)
    this.local(Op.LocalTee, own.fuel)
    this.global(Op.GlobalSet)
    this.local(Op.LocalGet, own.fuel)
    this.trapIfNegative()
    this.checked = true
  }

  private lengthLocal(flags: number): number {
    return flags & Length.Is64 ? this.own.length64 : this.own.length32
  }

  private getCounter(): void {
    if (this.cached && this.valid) this.local(Op.LocalGet, this.own.fuel)
    else this.global(Op.GlobalGet)
  }

  private copyPending(): void {
    if (this.at <= this.copied) return
    this.out.copy(this.reader.bytes, this.copied, this.at)
    this.copied = this.at
  }

  private local(opcode: number, index: number): void {
    this.out.u8(opcode)
    this.out.u32(index)
  }

  private global(opcode: number): void {
    this.out.u8(opcode)
    this.out.u32(this.fuelGlobal)
  }

  private bytes(...bytes: number[]): void {
    for (const byte of bytes) this.out.u8(byte)
  }
}
