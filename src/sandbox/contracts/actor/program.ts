/** One actor on one guest thread: its instance, its database, its invocations one after the other (spec actors-sql 4, 9, 16.5). */
import type { z } from 'zod'
import {
  actorOperations,
  isActorOperation,
  type ActorFacts,
  type ActorGuestError,
  type ActorOperation,
  type ActorPayload,
} from '../../../shared/contracts/actor.ts'
import { PaddockError, type ErrorReport } from '../../../shared/errors.ts'
import type { CallOutcome, GuestCall } from '../../../shared/sandbox/protocol.ts'
import { callGuest } from '../../binding/fuel-tank.ts'
import { trapReport } from '../../bridge/trap-report.ts'
import type { GuestProgram, ProgramContext, ProgramProgress } from '../../programs/guest-program.ts'
import type { CallCounts } from '../call-counts.ts'
import type { ActorDatabase } from './database/actor-database.ts'
import { SqlFault, toPaddockError } from './database/faults.ts'
import { createActorInstance, type ActorInstance } from './instance.ts'
import type { ActorError } from './interfaces.ts'
import { openDatabase } from './placement.ts'

type Answer =
  | { readonly status: 'done'; readonly value: unknown }
  | { readonly status: 'guest-error'; readonly error: ActorGuestError }
  | { readonly status: 'refused'; readonly error: ErrorReport }

type GuestAnswer =
  { readonly tag: 'ok'; readonly val?: unknown } | { readonly tag: 'err'; readonly val: ActorError }

const maxText = 4_096
const maxMetadata = 65_536

/** Brings an actor to life. Throws `sandbox.*`. */
export async function createActorProgram(
  context: ProgramContext,
  openIn: typeof openDatabase = openDatabase,
): Promise<GuestProgram> {
  const state = new ActorState()
  const instance = await createActorInstance(context, state)
  return new ActorProgram(context, state, instance, openIn)
}

/** What the host functions of the instance see of its program. */
class ActorState {
  facts: ActorFacts | undefined
  opened: ActorDatabase | undefined
  collectsMigrations = false

  readonly database = (): ActorDatabase => {
    if (this.opened === undefined) throw new SqlFault({ tag: 'closed' })
    return this.opened
  }

  readonly checkImports = (): void => {
    if (this.collectsMigrations) throw new PaddockError('sandbox.trap', 'migrations() called an import')
  }
}

class ActorProgram implements GuestProgram {
  readonly progress: ProgramProgress = { lastSequence: -1, cursors: {} }
  readonly warnings: readonly PaddockError[] = []
  private readonly context: ProgramContext
  private readonly state: ActorState
  private readonly instance: ActorInstance
  private readonly openIn: typeof openDatabase
  private isStarted = false
  /** The method that runs or ran last. */
  private lastMethod: string | undefined

  constructor(
    context: ProgramContext,
    state: ActorState,
    instance: ActorInstance,
    openIn: typeof openDatabase,
  ) {
    this.openIn = openIn
    this.context = context
    this.state = state
    this.instance = instance
  }

  get counts(): CallCounts {
    return this.instance.counts
  }

  get usedFuel(): number | null {
    const used = this.instance.tank.used()
    return used === undefined ? null : Number(used)
  }

  get memoryBytes(): number {
    return this.instance.memoryBytes()
  }

  get storeBytes(): number {
    return 0
  }

  get writes(): number {
    return 0
  }

  run(call: GuestCall, claim: () => void): CallOutcome {
    const outcome = this.serve(call)
    claim()
    return outcome
  }

  close(): void {
    this.state.opened?.close()
  }

  private serve(call: GuestCall): CallOutcome {
    if (!isActorOperation(call.operation)) {
      return refusal(new PaddockError('actor.invalid_operation', 'The contract has no such operation.'))
    }
    const { operation } = call
    const parsed = (actorOperations[operation].payload as z.ZodType).safeParse(call.payload)
    if (!parsed.success) {
      const field = parsed.error.issues[0]?.path.join('.') ?? ''
      const code = operation === 'open' ? 'wasm.invalid_config' : 'actor.missing_input'
      const reason = parsed.error.issues[0]?.message ?? 'malformed'
      return refusal(
        new PaddockError(code, `The payload of ${operation} is malformed at "${field}": ${reason}.`, {
          details: { field, reason },
        }),
      )
    }
    return this.attempt(operation, () => this.answer(operation, parsed.data, call.fuel))
  }

  /** Runs one operation and leaves nothing open behind it. */
  private attempt(operation: ActorOperation, action: () => Answer): CallOutcome {
    let answer: Answer | undefined
    let failure: ErrorReport | undefined
    try {
      answer = action()
    } catch (error) {
      if (error instanceof SqlFault)
        answer = { status: 'refused', error: toPaddockError(error.error).toReport() }
      else if (error instanceof PaddockError && !isDeath(error))
        answer = { status: 'refused', error: error.toReport() }
      else failure = this.deathOf(operation, error)
    }
    const end = this.endInvocation(operation)
    if (failure !== undefined) return { status: 'failed', error: failure }
    if (end.broken !== null) return { status: 'failed', error: end.broken }
    if (end.leftOpen && answer?.status === 'done') return refusal(leftOpen(operation))
    return { status: 'ok', value: answer }
  }

  private endInvocation(operation: ActorOperation): { leftOpen: boolean; broken: ErrorReport | null } {
    const { opened } = this.state
    if (opened === undefined) return { leftOpen: false, broken: null }
    const end = opened.endInvocation()
    const { log } = this.context
    for (const notice of end.notices) log.addOwn('warn', 'host_interface', notice)
    if (end.leftOpen) {
      const where = this.lastMethod === undefined ? operation : `method ${this.lastMethod}`
      log.addOwn('warn', 'host_interface', `${where} left a transaction open; it was rolled back`)
    }
    return end
  }

  private answer(operation: ActorOperation, payload: unknown, fuel: number): Answer {
    const { exports } = this.instance
    this.lastMethod = undefined
    switch (operation) {
      case 'open':
        return this.open(payload as ActorPayload<'open'>)
      case 'migrate':
        return done(this.database().migrate(this.migrations(fuel)))
      case 'start': {
        const { cause, input, settings } = payload as ActorPayload<'start'>
        const { namespace, actorId, key, generation } = this.facts()
        const info = { namespace, actorId, key, generation, cause, settings, input: input ?? undefined }
        const answer = this.invoke(fuel, () => exports['paddock:sql/lifecycle@0.1.0#on-start'](info))
        this.isStarted = answer.status === 'done'
        return answer
      }
      case 'request': {
        const request = payload as ActorPayload<'request'>
        this.facts()
        if (!this.isStarted) throw new PaddockError('actor.starting', 'The actor has not started yet.')
        this.lastMethod = request.method
        return this.invoke(fuel, () =>
          exports['paddock:sql/lifecycle@0.1.0#on-request'](request.method, request.payload),
        )
      }
      case 'sleep':
        return this.invoke(fuel, () => exports['paddock:sql/lifecycle@0.1.0#on-sleep']())
      case 'stop': {
        const { cause } = payload as ActorPayload<'stop'>
        return this.invoke(fuel, () => exports['paddock:sql/lifecycle@0.1.0#on-stop'](cause))
      }
      default:
        return this.maintain(operation, payload)
    }
  }

  private maintain(operation: ActorOperation, payload: unknown): Answer {
    const database = this.database()
    switch (operation) {
      case 'inspect-sql': {
        const { sql, maxRows } = payload as ActorPayload<'inspect-sql'>
        return done(database.inspect(sql, maxRows))
      }
      case 'tables':
        return done(database.tables())
      case 'rows': {
        const { table, offset, limit } = payload as ActorPayload<'rows'>
        return done(database.rows(table, offset, limit))
      }
      case 'backup':
        return done(database.backup(payload as ActorPayload<'backup'>))
      case 'export':
        return done(database.export((payload as ActorPayload<'export'>).targetPath))
      case 'import-check':
        return done(database.import(payload as ActorPayload<'import-check'>))
      case 'info':
        return done(database.stats())
      case 'close':
        database.close()
        return done(null)
      default:
        throw new PaddockError('internal.bug', 'The operation is not served.')
    }
  }

  private open(facts: ActorFacts): Answer {
    const { state, context } = this
    if (state.facts !== undefined) {
      throw new PaddockError('wasm.invalid_state', 'The facts of this instance are stated already.', {
        details: { state: 'open', reason: 'open comes once' },
      })
    }
    state.opened = this.openIn(facts, context)
    state.facts = facts
    return done(null)
  }

  private facts(): ActorFacts {
    const { facts } = this.state
    if (facts !== undefined) return facts
    throw new PaddockError('wasm.invalid_state', 'The facts of this instance are not stated yet.', {
      details: { state: 'loading', reason: 'open comes first' },
    })
  }

  private database(): ActorDatabase {
    this.facts()
    return this.state.database()
  }

  private migrations(fuel: number): readonly string[] {
    const { state, instance } = this
    state.collectsMigrations = true
    try {
      return callGuest(instance.tank, BigInt(fuel), () =>
        instance.exports['paddock:sql/lifecycle@0.1.0#migrations'](),
      ).value
    } finally {
      state.collectsMigrations = false
    }
  }

  private invoke(fuel: number, call: () => GuestAnswer): Answer {
    const { value } = callGuest(this.instance.tank, BigInt(fuel), call)
    return value.tag === 'ok'
      ? done(value.val ?? null)
      : { status: 'guest-error', error: guestError(value.val) }
  }

  /** What the instance died of. */
  private deathOf(operation: ActorOperation, error: unknown): ErrorReport {
    const { memoryBytes: limitBytes } = this.context.spec.limits
    const report = trapReport(error, { bytes: this.memoryBytes, limitBytes })
    if (report.code !== 'sandbox.trap') return report
    const code = operation === 'request' ? 'wasm.trap' : 'actor.panicked'
    return new PaddockError(code, report.message, { details: { operation, ...report.details } }).toReport()
  }
}

function done(value: unknown): Answer {
  return { status: 'done', value }
}

function refusal(error: PaddockError): CallOutcome {
  return { status: 'ok', value: { status: 'refused', error: error.toReport() } }
}

function leftOpen(operation: ActorOperation): PaddockError {
  return new PaddockError(
    'actor.transaction_left_open',
    `${operation} left a transaction open; it was rolled back.`,
  )
}

/** What ends an instance rather than a call. */
function isDeath(error: PaddockError): boolean {
  return error.code.startsWith('sandbox.') || error.code.startsWith('internal.')
}

function guestError(error: ActorError): ActorGuestError {
  const cut = (text: string): string => text.slice(0, maxText)
  switch (error.tag) {
    case 'method-not-found':
      return { tag: error.tag, method: cut(error.val) }
    case 'invalid-payload':
    case 'internal':
      return { tag: error.tag, message: cut(error.val) }
    case 'user': {
      const { code, message, metadata } = error.val
      return {
        tag: 'user',
        code: cut(code),
        message: cut(message),
        metadata: metadata?.slice(0, maxMetadata) ?? null,
      }
    }
  }
}
