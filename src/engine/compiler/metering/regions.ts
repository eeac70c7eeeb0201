/**
 * The bookkeeping of one function body: regions, scopes and frames, and where the second pass may insert code.
 *
 * The body is split into *regions*, sets of instructions that run equally often, so that one charge where a
 * region is entered pays for all of it. In structured control flow that goes further than basic blocks: what
 * follows the `end` of a block runs exactly as often as what precedes the block, unless a branch inside jumps
 * past that `end` (the frame is *escaped*). Traps and exceptions are no such branches: they forfeit what was paid
 * in advance, so nothing ever runs unpaid, and a run that meets neither is charged exactly.
 */
import { meterError, type ByteReader } from './bytes.ts'

/** Places where the second pass may insert code. */
export const Event = {
  /** Argument: region. */
  Charge: 0,
  /** block, if, try; 1 for `if`. */
  Open: 1,
  /** Argument: scope. */
  Loop: 2,
  /** else, catch; 1 if control can fall into it. */
  Arm: 3,
  /** 1 if control can fall into it. */
  End: 4,
  /** br, br_if, br_on_*; argument: label. */
  Branch: 5,
  BranchTable: 6,
  /** return, throw, unreachable, tail call; 1 if it calls an import. */
  Leave: 7,
  /** 1 if it calls an import. */
  Call: 8,
  /** An instruction with a length operand; argument: Length flags. */
  Length: 9,
  /** After memory.grow or table.grow; the same. */
  Grown: 10,
} as const

/** How a length operand is charged. */
export const Length = { Bytes: 0, Elements: 1, Pages: 2, Unit: 3, Is64: 4, Grow: 8 } as const

export interface PlanEvent {
  readonly at: number
  readonly kind: number
  readonly argument: number
}

export interface Region {
  cost: number
  /** Function entry and loop headers, so that every cycle has a check. */
  readonly checked: boolean
  readonly scope: Scope
}

/** Scope 0 is the body outside all loops; each loop is a scope of its own. */
export interface Scope {
  readonly index: number
  readonly parent: Scope | undefined
  boundaries: number
  cached: boolean
}

export type FrameKind = 'block' | 'loop' | 'then' | 'else' | 'try'

interface Frame {
  kind: FrameKind
  /** The region that was current on entry; `undefined` in code that cannot be reached. */
  readonly region: Region | undefined
  readonly scope: Scope
  /**
   * The outermost frame whose end a branch in here skips, and with it the ends of all frames in between; an inner
   * frame passes it on when it ends, so that a branch costs the same however many frames it leaves.
   */
  escapesTo: number
  /** Regions of the two arms of an `if`. */
  then: Region | undefined
  otherwise: Region | undefined
}

/** A scope caches the counter if it has more charges per boundary than this. */
const chargesPerBoundary = 2

export class Regions {
  readonly events: PlanEvent[] = []
  readonly regions: Region[] = []
  readonly scopes: Scope[] = []
  /** A function that catches exceptions never caches: its handlers would be entered with an outdated local. */
  catches = false
  private readonly frames: Frame[] = []
  private scope: Scope = { index: 0, parent: undefined, boundaries: 0, cached: false }
  private readonly reader: ByteReader

  constructor(reader: ByteReader) {
    this.reader = reader
  }

  /** Starts over with a new body, whose first region costs `entryCost`. */
  begin(entryCost: number): Region {
    for (const list of [this.events, this.regions, this.scopes, this.frames]) list.length = 0
    this.catches = false
    this.scope = { index: 0, parent: undefined, boundaries: 0, cached: false }
    this.scopes.push(this.scope)
    const region = this.openRegion(true)
    region.cost = entryCost
    this.pushFrame('block', region)
    return region
  }

  get depth(): number {
    return this.frames.length
  }

  addEvent(at: number, kind: number, argument: number): void {
    this.events.push({ at, kind, argument })
  }

  openRegion(checked: boolean): Region {
    const region: Region = { cost: 0, checked, scope: this.scope }
    this.addEvent(this.reader.pos, Event.Charge, this.regions.push(region) - 1)
    return region
  }

  openLoop(at: number): Region {
    const scope: Scope = { index: this.scopes.length, parent: this.scope, boundaries: 0, cached: false }
    this.scopes.push(scope)
    this.scope = scope
    this.addEvent(at, Event.Loop, scope.index)
    return this.openRegion(true)
  }

  openIf(at: number): Region {
    this.addEvent(at, Event.Open, 1)
    const region = this.openRegion(false)
    const frame = this.frames.at(-1)
    if (frame !== undefined) frame.then = frame.otherwise = region
    return region
  }

  pushFrame(kind: FrameKind, region: Region | undefined): void {
    this.frames.push({
      kind,
      region,
      scope: this.scope,
      escapesTo: Infinity,
      then: undefined,
      otherwise: undefined,
    })
  }

  /** The innermost frame may be left by the exceptions it catches. */
  escapeInnermost(): void {
    this.escapeTo(this.frames.length - 1)
  }

  private escapeTo(index: number): void {
    const frame = this.frames.at(-1)
    if (frame !== undefined) frame.escapesTo = Math.min(frame.escapesTo, index)
  }

  boundary(): void {
    this.scope.boundaries++
  }

  nextArm(expected: FrameKind, region: Region | undefined, at: number): Region | undefined {
    const frame = this.frames.at(-1)
    if (frame?.kind !== expected) throw meterError('component.malformed', 'misplaced else or catch', at)
    const isElse = expected === 'then'
    if (isElse) frame.kind = 'else'
    if (frame.region === undefined) return undefined
    this.addEvent(at, Event.Arm, region === undefined ? 0 : 1)
    const arm = this.openRegion(false)
    if (isElse) frame.otherwise = arm
    return arm
  }

  endFrame(region: Region | undefined, at: number): Region | undefined {
    const frame = this.frames.pop()
    if (frame === undefined) throw meterError('component.malformed', 'misplaced end', at)
    this.scope = frame.scope
    this.escapeTo(frame.escapesTo)
    if (frame.region === undefined) return undefined
    this.addEvent(at, Event.End, region === undefined ? 0 : 1)
    if (this.frames.length === 0) return undefined
    if (frame.kind === 'else' && frame.then !== undefined && frame.otherwise !== undefined) {
      // One of the two arms always runs: pay for the cheaper one in advance.
      const common = Math.min(frame.then.cost, frame.otherwise.cost)
      frame.then.cost -= common
      frame.otherwise.cost -= common
      frame.region.cost += common
    }
    return frame.escapesTo <= this.frames.length ? this.openRegion(false) : frame.region
  }

  /** A branch to a label skips the ends of all frames inside the labelled one. */
  escape(region: Region | undefined, label: number, at: number): void {
    if (label >= this.frames.length) throw meterError('component.malformed', 'no such label', at)
    if (region === undefined) return
    this.escapeTo(this.frames.length - label)
  }

  branch(region: Region | undefined, at: number, label: number): Region | undefined {
    this.escape(region, label, at)
    if (region === undefined) return undefined
    this.addEvent(at, Event.Branch, label)
    return this.openRegion(false)
  }

  leave(region: Region | undefined, at: number, toImport: number): void {
    if (region !== undefined) this.addEvent(at, Event.Leave, toImport)
  }

  /**
   * A scope that caches keeps the counter in a local. A charge there is one subtraction in a register instead of
   * a load, a subtraction and a store; but around each call, and each inner loop that does not cache, the local
   * must be written back and read again.
   */
  chooseScopes(): void {
    const charges = this.scopes.map(() => 0)
    let charged = 0
    for (const region of this.regions) {
      if (region.cost === 0) continue
      charges[region.scope.index] = (charges[region.scope.index] ?? 0) + 1
      charged++
    }
    // Inner loops first.
    for (let index = this.scopes.length - 1; index >= 0; index--) {
      const scope = this.scopes[index]
      if (scope === undefined) continue
      const pays = scope.boundaries === 0 || (charges[index] ?? 0) > chargesPerBoundary * scope.boundaries
      scope.cached = pays && charged > 1 && !this.catches
      if (!scope.cached && scope.parent !== undefined) scope.parent.boundaries++
    }
  }
}
