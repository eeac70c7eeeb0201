/** Rewrites the sections of a core module that declare something: types, imports, tables, memories, globals, exports. */
import { collectedObjects, meterError, type ByteReader, type ByteWriter } from './bytes.ts'
import { Layout, layoutOf, layoutOfVector, skipImmediates, skipValueType } from './opcodes.ts'
import type { ModuleFacts } from './plan.ts'

/** Name of the exported counter. A module that uses the name itself is refused. */
export const fuelExport = 'paddock:fuel'
/** Name of the exported global that is 1 once a growth of memory was refused: a trap after it is for want of memory. */
const refusedExport = 'paddock:refused'
/** What metering adds to the exports of a module, in order. */
export const addedExports: readonly string[] = [fuelExport, refusedExport]

export interface MeterOptions {
  /** Cap on a memory whose declared minimum is `minimum`, both in pages of 64 KiB. */
  readonly memoryCap: (minimum: bigint) => bigint
  /** Cap on each table, in elements. */
  readonly maxTableElements: number
  /** How many memories and tables there may be, imported ones included. Defaults: 1 and 16. */
  readonly maxMemories?: number
  readonly maxTables?: number
  /** What the counter holds while the start function runs, before the host can set it. Default: 0. */
  readonly initialFuel?: bigint
}

const External = { Function: 0, Table: 1, Memory: 2, Global: 3, Tag: 4 } as const
const i32 = 0x7f
const i64 = 0x7e

export class Declarations {
  readonly facts: ModuleFacts = { importedFunctions: 0, globals: 0, memoryIs64: [], tableIs64: [] }
  /** How many parameters; -1 for a type that is not a function's. */
  readonly typeParameters: number[] = []
  readonly functionTypes: number[] = []
  /** Pages that the memories defined here can reach together. */
  memoryPages = 0n
  /** Tables defined here. */
  definedTables = 0
  private readonly typeTakesException: boolean[] = []
  /** What `each` must not copy again. */
  private copied = 0
  private readonly reader: ByteReader
  private readonly options: MeterOptions

  constructor(reader: ByteReader, options: MeterOptions) {
    this.reader = reader
    this.options = options
  }

  types(body: ByteWriter): void {
    this.each(body, () => this.recursiveType())
  }

  imports(body: ByteWriter): void {
    this.each(body, () => this.import())
    this.checkCounts()
  }

  functions(body: ByteWriter): void {
    this.each(body, () => this.functionTypes.push(this.reader.u32()))
  }

  tables(body: ByteWriter): void {
    this.each(body, () => this.table(body))
    this.checkCounts()
  }

  memories(body: ByteWriter): void {
    this.each(body, () => this.limits('memory', body))
    this.checkCounts()
  }

  tags(body: ByteWriter): void {
    this.each(body, () => this.tag())
  }

  /** The module's own globals, if it has a section of them, and after them the counter and the mark of a refusal. */
  globals(body: ByteWriter, present: boolean): void {
    const { reader, facts } = this
    const count = present ? reader.u32() : 0
    body.u32(count + 2)
    const start = reader.pos
    for (let index = 0; index < count; index++) {
      skipValueType(reader)
      reader.u8() // mutability
      this.constantExpression()
    }
    facts.globals += count
    body.copy(reader.bytes, start, reader.pos)
    for (const byte of [i64, 1, 0x42]) body.u8(byte) // mutable i64, i64.const
    body.s64(this.options.initialFuel ?? 0n)
    body.u8(0x0b)
    for (const byte of [i32, 1, 0x41, 0, 0x0b]) body.u8(byte) // mutable i32, i32.const 0
  }

  /** The module's own exports, if it has a section of them, and after them what `globals` added. */
  exports(body: ByteWriter, present: boolean): void {
    const { reader, facts } = this
    const count = present ? reader.u32() : 0
    body.u32(count + addedExports.length)
    const start = reader.pos
    for (let index = 0; index < count; index++) {
      const at = reader.pos
      const name = reader.name()
      if (addedExports.includes(name)) throw meterError('component.malformed', `export named ${name}`, at)
      const kind = reader.u8()
      if (reader.u32() >= facts.globals && kind === External.Global) {
        throw meterError('component.malformed', 'global index out of range', at)
      }
    }
    body.copy(reader.bytes, start, reader.pos)
    for (const [index, own] of addedExports.entries()) {
      const name = new TextEncoder().encode(own)
      body.u32(name.length)
      body.copy(name, 0, name.length)
      body.u8(External.Global)
      body.u32(facts.globals + index)
    }
  }

  /** Copies a vector; `item` reads one element, and copies what it wants to change up to and including the change. */
  private each(body: ByteWriter, item: () => void): void {
    const { reader } = this
    const count = reader.u32()
    body.u32(count)
    for (let index = 0; index < count; index++) {
      this.copied = reader.pos
      item()
      body.copy(reader.bytes, this.copied, reader.pos)
    }
  }

  private checkCounts(): void {
    const { maxMemories = 1, maxTables = 16 } = this.options
    const check = (what: string, count: number, max: number): void => {
      if (count > max)
        throw meterError('compiler.over_limit', `a module has ${count} ${what}, at most ${max} are allowed`)
    }
    check('memories', this.facts.memoryIs64.length, maxMemories)
    check('tables', this.facts.tableIs64.length, maxTables)
  }

  private recursiveType(): void {
    const { reader } = this
    if (reader.peek() !== 0x4e) {
      this.type() // no `rec` group
      return
    }
    reader.pos++
    for (let count = reader.u32(); count > 0; count--) this.type()
  }

  private type(): void {
    const { reader } = this
    const at = reader.pos
    let form = reader.u8()
    if (form === 0x50 || form === 0x4f) {
      // sub, sub final: supertypes first
      for (let count = reader.u32(); count > 0; count--) reader.u32()
      form = reader.u8()
    }
    if (form !== 0x60) throw collectedObjects(at)
    const parameters = reader.u32()
    let takesException = false
    for (let count = parameters; count > 0; count--) if (skipValueType(reader)) takesException = true
    for (let count = reader.u32(); count > 0; count--) skipValueType(reader)
    this.typeParameters.push(parameters)
    this.typeTakesException.push(takesException)
  }

  private import(): void {
    const { reader, facts } = this
    const at = reader.pos
    reader.name()
    const name = reader.name()
    if (addedExports.includes(name)) throw meterError('component.malformed', `import named ${name}`, at)
    const kind = reader.u8()
    if (kind === External.Function) {
      reader.u32()
      facts.importedFunctions++
    } else if (kind === External.Table) {
      skipValueType(reader)
      this.limits('table', undefined)
    } else if (kind === External.Memory) {
      this.limits('memory', undefined)
    } else if (kind === External.Global) {
      skipValueType(reader)
      reader.u8()
      facts.globals++
    } else if (kind === External.Tag) {
      this.tag()
    } else {
      throw meterError('compiler.unsupported_opcode', `unknown import kind ${kind}`, at)
    }
  }

  private table(body: ByteWriter): void {
    const { reader } = this
    const initialised = reader.peek() === 0x40
    if (initialised) reader.pos += 2
    skipValueType(reader)
    this.limits('table', body)
    if (initialised) this.constantExpression()
  }

  /** An exception that carries exceptions could chain objects outside any memory. */
  private tag(): void {
    const { reader } = this
    const at = reader.pos
    reader.u8()
    if (this.typeTakesException[reader.u32()] === true) {
      throw meterError(
        'compiler.unsupported_opcode',
        'exceptions that carry exceptions escape the memory cap',
        at,
      )
    }
  }

  /**
   * Lowers a maximum. With no `body` the item is imported: then its definer's maximum counts, which is lowered in
   * its own module, and which must not exceed the one declared here.
   */
  private limits(what: 'memory' | 'table', body: ByteWriter | undefined): void {
    const { reader, options, facts } = this
    const at = reader.pos
    const flags = reader.u8() // 1: has a maximum, 2: shared, 4: 64-bit
    if ((flags & 2) !== 0 || flags > 7) {
      throw meterError(
        'compiler.unsupported_opcode',
        `a shared or unknown kind of ${what} (0x${flags.toString(16)})`,
        at,
      )
    }
    const is64 = (flags & 4) !== 0
    const value = (): bigint => (is64 ? reader.u64() : BigInt(reader.u32()))
    const minimum = value()
    const maximum = (flags & 1) !== 0 ? value() : undefined
    const mostPages = is64 ? 1n << 48n : 1n << 16n
    if (what === 'memory' && maximum !== undefined && maximum > mostPages) {
      throw meterError('component.malformed', 'memory maximum exceeds the address space', at)
    }
    ;(what === 'memory' ? facts.memoryIs64 : facts.tableIs64).push(is64)
    if (body === undefined) return
    const cap = what === 'memory' ? options.memoryCap(minimum) : BigInt(options.maxTableElements)
    if (minimum > cap) {
      const unit = what === 'memory' ? 'pages of memory' : 'table elements'
      throw meterError(
        'compiler.over_limit',
        `it needs ${minimum.toString()} ${unit}, at most ${cap.toString()} are allowed`,
        at,
      )
    }
    const reachable = what === 'memory' && cap > mostPages ? mostPages : cap
    const lowered = maximum === undefined || maximum > reachable ? reachable : maximum
    if (what === 'memory') this.memoryPages += lowered
    else this.definedTables += 1
    body.copy(reader.bytes, this.copied, at)
    body.u8(flags | 1)
    body.u64(minimum)
    body.u64(lowered)
    this.copied = reader.pos
  }

  /** Read to the end even where only copied, so that a truncated one cannot swallow what is appended to it. */
  private constantExpression(): void {
    const { reader } = this
    for (;;) {
      const at = reader.pos
      const opcode = reader.u8()
      if (opcode === 0x0b) return
      if (opcode === 0xfb) throw collectedObjects(at)
      let layout = layoutOf(opcode)
      if (opcode === 0x23) layout = Layout.Leb // global.get
      if (opcode === 0xfd) layout = layoutOfVector(reader.u32())
      skipImmediates(reader, layout, at)
    }
  }
}
