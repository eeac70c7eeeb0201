/** First pass over a function body: decodes every instruction and plans what is paid where. */
import { collectedObjects, meterError, type ByteReader } from './bytes.ts'
import {
  firstRelaxedSimd,
  flatCost,
  layoutOf,
  layoutOfAtomic,
  layoutOfMemory,
  layoutOfVector,
  Layout,
  skipBlockType,
  skipImmediates,
} from './opcodes.ts'
import { Event, Length, Regions, type Region } from './regions.ts'

/** What a body needs to know about its module. */
export interface ModuleFacts {
  importedFunctions: number
  /** Without the fuel counter, whose index this is. */
  globals: number
  readonly memoryIs64: boolean[]
  readonly tableIs64: boolean[]
}

/** The plan for one body. One object serves all bodies of a module: `build` starts over. */
export class BodyPlan {
  readonly regions: Regions
  /** Does a length operand of this width occur? */
  lengths32 = false
  lengths64 = false
  private readonly facts: ModuleFacts
  private readonly reader: ByteReader

  constructor(facts: ModuleFacts, reader: ByteReader) {
    this.facts = facts
    this.reader = reader
    this.regions = new Regions(reader)
  }

  /** Decodes instructions from the reader's position to the body's last `end`. */
  build(locals: number, entryCost: number): void {
    const { reader, regions } = this
    this.lengths32 = this.lengths64 = false
    let region: Region | undefined = regions.begin(entryCost)
    while (regions.depth > 0) {
      const at = reader.pos
      const opcode = reader.u8()
      if (region !== undefined) region.cost += flatCost(opcode)
      const layout = layoutOf(opcode)
      if (layout === Layout.Bytes) continue
      if (layout === Layout.Control) region = this.control(opcode, region, at, locals)
      else skipImmediates(reader, layout, at)
    }
    regions.chooseScopes()
  }

  /** An instruction that is more than its immediates; returns the region that follows it. */
  private control(
    opcode: number,
    region: Region | undefined,
    at: number,
    locals: number,
  ): Region | undefined {
    const { reader, facts } = this
    switch (opcode) {
      case 0x01:
      case 0x1a: // nop, drop
        return region
      case 0x20:
      case 0x21:
      case 0x22: // local.*: an index past the end would name a local of ours
        if (reader.u32() >= locals) throw meterError('component.malformed', 'local index out of range', at)
        return region
      case 0x23:
      case 0x24: // global.*: likewise, the counter
        if (reader.u32() >= facts.globals)
          throw meterError('component.malformed', 'global index out of range', at)
        return region
      case 0x10:
      case 0x11:
      case 0x12:
      case 0x13:
      case 0x14:
      case 0x15:
        return this.call(opcode, region, at)
      case 0x40: // memory.grow
        this.length(region, at, Length.Pages | Length.Grow, facts.memoryIs64[reader.u32()])
        return region
      case 0xfb:
        throw collectedObjects(at)
      case 0xfc:
        this.memoryOrTable(region, at)
        return region
      case 0xfd:
        this.vector(at)
        return region
      case 0xfe:
        skipImmediates(reader, layoutOfAtomic(reader.u32()), at)
        return region
      default:
        return opcode < 0x0c || opcode === 0x18 || opcode === 0x19 || opcode === 0x1f
          ? this.block(opcode, region, at)
          : this.jump(opcode, region, at)
    }
  }

  private block(opcode: number, region: Region | undefined, at: number): Region | undefined {
    const { reader, regions } = this
    switch (opcode) {
      case 0x02:
      case 0x06:
      case 0x1f: // block, try, try_table
        skipBlockType(reader)
        if (opcode === 0x1f) this.catchClauses(region, at)
        if (region !== undefined) regions.addEvent(at, Event.Open, 0)
        regions.pushFrame(opcode === 0x02 ? 'block' : 'try', region)
        if (opcode === 0x1f) regions.escapeInnermost()
        return region
      case 0x03: // loop
        skipBlockType(reader)
        regions.pushFrame('loop', region)
        return region === undefined ? undefined : regions.openLoop(at)
      case 0x04: // if
        skipBlockType(reader)
        regions.pushFrame('then', region)
        return region === undefined ? undefined : regions.openIf(at)
      case 0x05: // else
        return regions.nextArm('then', region, at)
      case 0x07:
      case 0x19: // catch, catch_all
        if (opcode === 0x07) reader.skipLeb()
        regions.catches = true
        return regions.nextArm('try', region, at)
      case 0x18:
      case 0x0b: // delegate (which ends a try), end
        if (opcode === 0x18) reader.skipLeb()
        return regions.endFrame(region, at)
      case 0x08:
      case 0x09: // throw, rethrow
        reader.skipLeb()
        regions.leave(region, at, 0)
        return undefined
      case 0x00:
      case 0x0a: // unreachable, throw_ref
        regions.leave(region, at, 0)
        return undefined
      default: {
        skipUnknown(reader, at)
        return
      }
    }
  }

  private jump(opcode: number, region: Region | undefined, at: number): Region | undefined {
    const { reader, regions } = this
    switch (opcode) {
      case 0x0c: // br
        regions.branch(region, at, reader.u32())
        return undefined
      case 0x0d:
      case 0xd5:
      case 0xd6: // br_if, br_on_null, br_on_non_null
        return regions.branch(region, at, reader.u32())
      case 0x0e: {
        // br_table
        let outermost = 0
        for (let count = reader.u32(); count >= 0; count--) outermost = Math.max(outermost, reader.u32())
        regions.escape(region, outermost, at)
        if (region !== undefined) regions.addEvent(at, Event.BranchTable, 0)
        return undefined
      }
      case 0x0f: // return
        regions.escape(region, regions.depth - 1, at)
        regions.leave(region, at, 0)
        return undefined
      default: {
        skipUnknown(reader, at)
        return
      }
    }
  }

  /** call, call_indirect and call_ref, and the same as tail calls. */
  private call(opcode: number, region: Region | undefined, at: number): Region | undefined {
    const { reader, regions } = this
    const callee = reader.u32()
    const direct = opcode === 0x10 || opcode === 0x12
    const toImport = direct && callee < this.facts.importedFunctions ? 1 : 0
    if (opcode === 0x11 || opcode === 0x13) reader.skipLeb() // the table
    if (opcode === 0x12 || opcode === 0x13 || opcode === 0x15) {
      regions.escape(region, regions.depth - 1, at)
      regions.leave(region, at, toImport)
      return undefined
    }
    if (region !== undefined) {
      regions.addEvent(at, Event.Call, toImport)
      regions.boundary()
    }
    return region
  }

  /** The clauses of try_table name labels outside it, like branches that stand before it. */
  private catchClauses(region: Region | undefined, at: number): void {
    const { reader, regions } = this
    regions.catches = true
    for (let count = reader.u32(); count > 0; count--) {
      const kind = reader.u8()
      if (kind > 3) throw meterError('compiler.unsupported_opcode', `unknown catch clause ${kind}`, at)
      if (kind <= 1) reader.skipLeb() // catch, catch_ref: a tag
      regions.escape(region, reader.u32(), at)
    }
  }

  private vector(at: number): void {
    const { reader } = this
    const code = reader.u32()
    const layout = layoutOfVector(code)
    if (code >= firstRelaxedSimd && layout !== Layout.Unknown) {
      throw meterError(
        'compiler.unsupported_opcode',
        'relaxed SIMD gives other results on other machines',
        at,
      )
    }
    skipImmediates(reader, layout, at)
  }

  /** The instruction at `at`, already decoded, has its length on top of the operand stack. */
  private length(region: Region | undefined, at: number, flags: number, is64: boolean | undefined): void {
    if (region === undefined) return
    if (is64 === true) this.lengths64 = true
    else this.lengths32 = true
    const all = is64 === true ? flags | Length.Is64 : flags
    this.regions.addEvent(at, Event.Length, all)
    if ((flags & Length.Grow) !== 0) this.regions.addEvent(this.reader.pos, Event.Grown, all)
  }

  private memoryOrTable(region: Region | undefined, at: number): void {
    const { reader } = this
    const { memoryIs64, tableIs64 } = this.facts
    const code = reader.u32()
    if (code === 8 || code === 12) {
      // memory.init, table.init: the length is always an i32
      reader.skipLeb()
      reader.skipLeb()
      this.length(region, at, code === 8 ? Length.Bytes : Length.Elements, false)
    } else if (code === 10 || code === 14) {
      // memory.copy, table.copy: the narrower of two index types
      const is64 = code === 10 ? memoryIs64 : tableIs64
      const to = is64[reader.u32()] === true
      const from = is64[reader.u32()] === true
      this.length(region, at, code === 10 ? Length.Bytes : Length.Elements, to && from)
    } else if (code === 11) {
      this.length(region, at, Length.Bytes, memoryIs64[reader.u32()])
    } else if (code === 15 || code === 17) {
      // table.grow, table.fill
      const flags = code === 15 ? Length.Elements | Length.Grow : Length.Elements
      this.length(region, at, flags, tableIs64[reader.u32()])
    } else {
      skipImmediates(reader, layoutOfMemory(code), at)
    }
  }
}

function skipUnknown(reader: ByteReader, at: number): undefined {
  skipImmediates(reader, Layout.Unknown, at)
  return undefined
}
