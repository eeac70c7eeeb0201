/** What a flow tells the engine besides its end: states, events, figures, spans (spec flows 11). */
import type { FlowFigures, FlowState, FromFlow } from '../../../../../shared/contracts/flow.ts'
import { PaddockError } from '../../../../../shared/errors.ts'
import type { Mailbox } from '../../../../programs/guest-program.ts'

/** Events at once, and how many a second are granted anew; warnings and errors have as many of their own. */
const eventBurst = 64
const eventsPerSecond = 16
const maxMessage = 2_048
const msPerSecond = 1_000

/** Moves that spec flows 4.1 knows. */
const moves: Readonly<Record<FlowState, readonly FlowState[]>> = {
  created: ['validated', 'failed'],
  validated: ['instantiated', 'failed'],
  instantiated: ['running', 'failed'],
  running: ['draining'],
  draining: ['completed', 'cancelled', 'failed'],
  completed: [],
  cancelled: [],
  failed: [],
}

type EventLevel = Extract<FromFlow, { kind: 'event' }>['level']

class Bucket {
  private tokens = eventBurst
  private filledMs = 0
  private lost = 0

  /** How many were lost since the last that was let through, or null when this one is lost as well. */
  take(nowMs: number): number | null {
    this.tokens = Math.min(
      eventBurst,
      this.tokens + ((nowMs - this.filledMs) * eventsPerSecond) / msPerSecond,
    )
    this.filledMs = nowMs
    if (this.tokens < 1) {
      this.lost += 1
      return null
    }
    this.tokens -= 1
    const { lost } = this
    this.lost = 0
    return lost
  }
}

export class Reporter {
  state: FlowState = 'created'
  private readonly mail: Pick<Mailbox, 'send'>
  private readonly now: () => number
  private readonly quiet = new Bucket()
  private readonly loud = new Bucket()

  constructor(mail: Pick<Mailbox, 'send'>, now: () => number) {
    this.mail = mail
    this.now = now
  }

  /** Moves on. Throws `internal.bug` for a move that spec flows 4.1 does not know. */
  move(state: FlowState, reason: string): void {
    if (!moves[this.state].includes(state))
      throw new PaddockError('internal.bug', `A flow cannot move from ${this.state} to ${state}.`)
    this.state = state
    this.send({ kind: 'state', state, reason: reason.slice(0, maxMessage) })
  }

  /** Tells what happened, limited in rate. */
  event(event: string, level: EventLevel, node: string | null, message: string): void {
    const lost = (level === 'debug' || level === 'info' ? this.quiet : this.loud).take(this.now())
    if (lost === null) return
    const more = lost === 0 ? '' : ` (${lost} more were not told)`
    this.send({ kind: 'event', event, level, node, message: `${message.slice(0, maxMessage - 64)}${more}` })
  }

  figures(figures: FlowFigures): void {
    this.send({ kind: 'figures', figures })
  }

  send(letter: FromFlow): void {
    this.mail.send(letter)
  }
}
