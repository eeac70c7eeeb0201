/** One broker process, as the engine sees it: questions under way, and what becomes of them when it ends. */
import { PaddockError } from '../../../shared/errors.ts'
import {
  brokerAnswers,
  brokerResponseSchema,
  type BrokerAnswer,
  type BrokerQuestion,
  type BrokerRequest,
  type BrokerResponse,
  type BrokerSetup,
} from '../../../shared/tool-broker/protocol.ts'
import type { LaunchedProcess, ProcessExit } from '../../sandboxes/launcher.ts'

type Kind = BrokerQuestion['kind']
type Body<K extends Kind> = Omit<Extract<BrokerQuestion, { kind: K }>, 'kind' | 'id'>

interface Asked {
  readonly kind: Kind
  readonly resolve: (answer: never) => void
  readonly reject: (error: PaddockError) => void
}

export class BrokerConnection {
  private readonly process: LaunchedProcess
  private readonly asked = new Map<number, Asked>()
  private nextId = 0
  private hasEnded = false
  private settleReady:
    | {
        readonly resolve: (notice: PaddockError | null) => void
        readonly reject: (error: PaddockError) => void
      }
    | undefined
  /** Answers what the operator should know of it; rejects with what kept it from being set up. */
  readonly ready: Promise<PaddockError | null>

  /** `setup` is posted at once; its key may be overwritten after. */
  constructor(process: LaunchedProcess, setup: BrokerSetup) {
    this.process = process
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = { resolve, reject }
    })
    process.onMessage((message) => this.receive(message))
    process.onExit(() => this.end(lost()))
    this.post(setup)
  }

  get ended(): boolean {
    return this.hasEnded
  }

  onExit(listener: (exit: ProcessExit) => void): void {
    this.process.onExit(listener)
  }

  /** Throws `secret.*`, `tool.*`, and `tool.broker_lost` when the process ends before it has answered. */
  ask<K extends Kind>(kind: K, body: Body<K>): Promise<BrokerAnswer<K>> {
    return new Promise((resolve, reject) => {
      if (this.hasEnded) {
        reject(lost())
        return
      }
      const id = this.nextId++
      this.asked.set(id, { kind, resolve, reject })
      this.post({ ...body, kind, id } as BrokerRequest)
    })
  }

  cancel(call: number): void {
    this.post({ kind: 'cancel', call })
  }

  kill(): void {
    this.process.kill()
    this.end(lost())
  }

  private post(message: BrokerRequest): void {
    if (!this.hasEnded) this.process.post(message)
  }

  private receive(message: unknown): void {
    const response = brokerResponseSchema.safeParse(message)
    // What it says next cannot be trusted either.
    if (response.success) this.take(response.data)
    else this.kill()
  }

  private take(response: BrokerResponse): void {
    if (response.kind === 'ready') {
      this.settleReady?.resolve(response.notice === null ? null : asError(response.notice))
    } else if (response.kind === 'unusable') {
      this.end(asError(response.error))
    } else {
      const asked = this.asked.get(response.id)
      if (asked === undefined) return
      this.asked.delete(response.id)
      if (response.kind === 'failed') asked.reject(asError(response.error))
      else this.settle(asked, response.answer)
    }
  }

  private settle({ kind, resolve, reject }: Asked, answer: unknown): void {
    const checked = brokerAnswers[kind].safeParse(answer)
    if (checked.success) {
      resolve(checked.data as never)
    } else {
      reject(lost())
      this.kill()
    }
  }

  private end(error: PaddockError): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.settleReady?.reject(error)
    for (const { reject } of this.asked.values()) reject(lost())
    this.asked.clear()
  }
}

function asError({
  code,
  message,
  remedy,
}: {
  code: PaddockError['code']
  message: string
  remedy: string
}): PaddockError {
  return new PaddockError(code, message, { remedy })
}

function lost(): PaddockError {
  return new PaddockError('tool.broker_lost', 'The tool broker ended before it had answered.')
}
