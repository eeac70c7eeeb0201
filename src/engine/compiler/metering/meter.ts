/**
 * Rewrites a core WebAssembly module so that it meters and limits itself:
 *
 * - a mutable i64 global, the fuel counter, is appended and exported; every function subtracts
 *   what it is about to execute and traps once the counter is negative;
 * - a mutable i32 global tells that a growth of memory was refused;
 * - the maxima of memories and tables are lowered to the host's caps.
 *
 * Nothing is renumbered: the added globals, their exports and the added locals come last in their index
 * spaces. This is no validator. It refuses what it does not know, and indices that its own
 * additions would make valid; whatever else is wrong with a module stays wrong for the engine.
 */
import { ByteReader, ByteWriter, meterError } from './bytes.ts'
import { Declarations, type MeterOptions } from './declarations.ts'
import { BodyEmitter } from './emit.ts'
import { localsPerFuel, skipValueType } from './opcodes.ts'
import { BodyPlan } from './plan.ts'

export { addedExports, fuelExport, type MeterOptions } from './declarations.ts'

export interface MeterResult {
  readonly bytes: Uint8Array
  /** The most pages of 64 KiB that the memories defined by the module can reach together. */
  readonly memoryPages: bigint
  /** Tables defined by the module. */
  readonly tables: number
  readonly functions: number
  readonly chargePoints: number
  readonly checks: number
}

const Section = {
  Custom: 0,
  Type: 1,
  Import: 2,
  Function: 3,
  Table: 4,
  Memory: 5,
  Global: 6,
  Export: 7,
  Start: 8,
  Element: 9,
  Code: 10,
  Data: 11,
  DataCount: 12,
  Tag: 13,
} as const
/** The order in which sections must stand is not that of their ids. */
const sectionOrder: readonly number[] = [
  Section.Type,
  Section.Import,
  Section.Function,
  Section.Table,
  Section.Memory,
  Section.Tag,
  Section.Global,
  Section.Export,
  Section.Start,
  Section.Element,
  Section.DataCount,
  Section.Code,
  Section.Data,
]
const globalRank = sectionOrder.indexOf(Section.Global)
const exportRank = sectionOrder.indexOf(Section.Export)
/** Custom sections that point into the code, which moves, or that only an object file has. */
const stale = /^(metadata\.code\.|\.debug_|reloc\.|linking$|sourceMappingURL$|external_debug_info$)/

const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const i32 = 0x7f
const i64 = 0x7e
// Limits of V8, reported here with a better message.
const maxLocals = 50_000
const maxBodyBytes = 7_654_321

/**
 * The module in `bytes`, metered and limited.
 *
 * Throws `component.malformed`, `compiler.unsupported_opcode` (an instruction, type or section that is unknown or
 * would escape a limit) or `compiler.over_limit` (more memory, tables or code than allowed).
 */
export function meterModule(bytes: Uint8Array, options: MeterOptions): MeterResult {
  return new ModuleMeter(bytes, options).run()
}

class ModuleMeter {
  private readonly reader: ByteReader
  private readonly out: ByteWriter
  private readonly declarations: Declarations
  private readonly counts = { functions: 0, chargePoints: 0, checks: 0 }

  constructor(bytes: Uint8Array, options: MeterOptions) {
    this.reader = new ByteReader(bytes)
    this.out = new ByteWriter(bytes.length + (bytes.length >> 1) + 1024)
    this.declarations = new Declarations(this.reader, options)
  }

  run(): MeterResult {
    const { reader, out } = this
    const { bytes } = reader
    if (magic.some((byte, index) => bytes[index] !== byte)) {
      throw meterError('component.malformed', 'not a core WebAssembly module', 0)
    }
    out.copy(bytes, 0, 8)
    reader.pos = 8
    let last = -1
    while (reader.pos < bytes.length) {
      const at = reader.pos
      const id = reader.u8()
      const size = reader.u32()
      const end = reader.pos + size
      if (end > bytes.length) throw meterError('component.malformed', 'section reaches past the end', at)
      if (id === Section.Custom) {
        if (!stale.test(reader.name())) out.copy(bytes, at, end)
      } else {
        const rank = sectionOrder.indexOf(id)
        if (rank < 0) throw meterError('compiler.unsupported_opcode', `unknown section ${id}`, at)
        if (rank <= last) throw meterError('component.malformed', 'sections repeated or out of order', at)
        this.appendMissing(last, rank)
        last = rank
        this.section(id, (body) => this.contents(id, end, body))
        if (reader.pos !== end)
          throw meterError('component.malformed', 'section ends in the wrong place', reader.pos)
      }
      reader.pos = end
    }
    this.appendMissing(last, sectionOrder.length)
    return {
      bytes: out.bytes.slice(0, out.length),
      memoryPages: this.declarations.memoryPages,
      tables: this.declarations.definedTables,
      ...this.counts,
    }
  }

  /** Writes the sections that must hold the counter where the module itself has none. */
  private appendMissing(last: number, rank: number): void {
    if (last < globalRank && rank > globalRank) {
      this.section(Section.Global, (body) => this.declarations.globals(body, false))
    }
    if (last < exportRank && rank > exportRank) {
      this.section(Section.Export, (body) => this.declarations.exports(body, false))
    }
  }

  private section(id: number, fill: (body: ByteWriter) => void): void {
    const body = new ByteWriter(id === Section.Code ? this.out.bytes.length : 1024)
    fill(body)
    this.out.u8(id)
    this.out.u32(body.length)
    this.out.copy(body.bytes, 0, body.length)
  }

  private contents(id: number, end: number, body: ByteWriter): void {
    const { reader, declarations } = this
    switch (id) {
      case Section.Type:
        declarations.types(body)
        break
      case Section.Import:
        declarations.imports(body)
        break
      case Section.Function:
        declarations.functions(body)
        break
      case Section.Table:
        declarations.tables(body)
        break
      case Section.Memory:
        declarations.memories(body)
        break
      case Section.Tag:
        declarations.tags(body)
        break
      case Section.Global:
        declarations.globals(body, true)
        break
      case Section.Export:
        declarations.exports(body, true)
        break
      case Section.Code:
        this.code(body)
        break
      default:
        body.copy(reader.bytes, reader.pos, end)
        reader.pos = end
    }
  }

  private code(section: ByteWriter): void {
    const { reader, counts } = this
    const { facts, functionTypes, typeParameters } = this.declarations
    const body = new ByteWriter(1 << 16)
    const plan = new BodyPlan(facts, reader)
    const emitter = new BodyEmitter(reader, body, facts.globals)
    const count = reader.u32()
    if (count !== functionTypes.length)
      throw meterError('component.malformed', 'functions without bodies', reader.pos)
    section.u32(count)
    for (const type of functionTypes) {
      const at = reader.pos
      const size = reader.u32()
      const end = reader.pos + size
      const parameters = typeParameters[type]
      if (parameters === undefined)
        throw meterError('component.malformed', 'function without a function type', at)
      body.length = 0
      this.body(parameters, end, plan, emitter, body)
      if (body.length > maxBodyBytes) {
        throw meterError('compiler.over_limit', 'a function is too large once metered', at)
      }
      section.u32(body.length)
      section.copy(body.bytes, 0, body.length)
    }
    counts.functions = count
    counts.chargePoints = emitter.chargePoints
    counts.checks = emitter.checks
  }

  private body(parameters: number, end: number, plan: BodyPlan, emitter: BodyEmitter, out: ByteWriter): void {
    const { reader } = this
    const groups = reader.u32()
    const declarations = reader.pos
    let declared = 0
    for (let index = 0; index < groups && declared <= maxLocals; index++) {
      declared += reader.u32()
      skipValueType(reader)
    }
    const locals = parameters + declared
    if (locals + 5 > maxLocals) {
      throw meterError(
        'compiler.over_limit',
        `a function has more than ${maxLocals - 5} locals`,
        declarations,
      )
    }
    const start = reader.pos
    plan.build(locals, 1 + Math.floor(declared / localsPerFuel))
    if (reader.pos !== end)
      throw meterError('component.malformed', 'function ends in the wrong place', reader.pos)

    // Our locals come last, and only where used: a small body stays a candidate for inlining.
    const own: number[] = [] // pairs of count and type
    if (plan.lengths32 || plan.lengths64 || plan.regions.scopes.some((scope) => scope.cached))
      own.push(1, i64)
    if (plan.lengths32) own.push(2, i32)
    if (plan.lengths64) own.push(2, i64)
    out.u32(groups + own.length / 2)
    out.copy(reader.bytes, declarations, start)
    for (const byte of own) out.u8(byte)
    const length64 = locals + (plan.lengths32 ? 3 : 1)
    emitter.emit(plan.regions, start, end, { fuel: locals, length32: locals + 1, length64 })
  }
}
