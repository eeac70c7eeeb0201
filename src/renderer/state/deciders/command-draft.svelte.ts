import type { CommandSpec, ExecutionOutcome } from '../../../shared/contracts/decider.ts'
import type { DeciderView } from '../../../shared/contracts/decider-views.ts'
import { toErrorReport, type ErrorReport } from '../../../shared/errors.ts'
import type { PaddockClient } from '../../../shared/ipc/schema.ts'
import { readPayload, type PayloadForm, type PayloadRead } from './payload.ts'

const emptyPayload = '{\n  \n}'
const earlierKept = 12
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export interface Sent {
  readonly type: string
  readonly form: PayloadForm
  readonly text: string
}

/** What became of the last command sent from here. */
export interface CommandResult {
  /** Tried only: nothing was appended. */
  readonly tried: boolean
  /** The revision on whose state it was tried, or null for the newest. */
  readonly at: number | null
  readonly type: string
  readonly outcome: ExecutionOutcome
}

/** The command that the operator writes, checked as one types, and its answer. */
export class CommandDraft {
  type = $state('')
  form = $state<PayloadForm>('json')
  commandId = $state('')
  expected = $state('')
  /** Try on the state as of this revision. */
  at = $state('')
  busy = $state<'trying' | 'deciding' | null>(null)
  result = $state.raw<CommandResult | null>(null)
  error = $state.raw<ErrorReport | null>(null)
  /** What was sent from this screen, newest first. */
  earlier = $state.raw<readonly Sent[]>([])
  #texts = $state<Record<string, string>>({})
  readonly #client: PaddockClient

  constructor(client: PaddockClient, decider: DeciderView) {
    this.#client = client
    this.type = decider.descriptor.commands[0]?.type ?? ''
  }

  get text(): string {
    return this.#texts[this.type] ?? emptyPayload
  }
  set text(text: string) {
    this.#texts[this.type] = text
  }

  get payload(): PayloadRead {
    return readPayload(this.form, this.text)
  }

  get commandIdProblem(): string | null {
    const id = this.commandId.trim()
    return id === '' || uuid.test(id) ? null : 'Write a UUID, or leave it empty.'
  }

  get expectedProblem(): string | null {
    return revisionProblem(this.expected, 1)
  }

  get atProblem(): string | null {
    return revisionProblem(this.at, 0)
  }

  get isValid(): boolean {
    return (
      this.type !== '' &&
      this.payload.ok &&
      this.commandIdProblem === null &&
      this.expectedProblem === null &&
      this.atProblem === null
    )
  }

  spec(decider: DeciderView): CommandSpec | undefined {
    return decider.descriptor.commands.find(({ type }) => type === this.type)
  }

  again(sent: Sent): void {
    this.type = sent.type
    this.form = sent.form
    this.text = sent.text
  }

  /** Decides, or only tries; the answer is in `result`, or in `error` when none came. */
  async send(reference: string, tryOnly: boolean): Promise<CommandResult | null> {
    const { payload, type } = this
    if (!payload.ok || !this.isValid || this.busy !== null) return null
    this.busy = tryOnly ? 'trying' : 'deciding'
    this.#remember({ type, form: this.form, text: this.text })
    const at = tryOnly ? wholeOf(this.at) : null
    const command = {
      type,
      payload: payload.bytes,
      commandId: this.commandId.trim() === '' ? null : this.commandId.trim().toLowerCase(),
      expectedRevision: wholeOf(this.expected),
      // Events keep the headers of their command: the timeline names it also after the engine was started again.
      headers: { [commandTypeHeader]: type },
      reference,
    }
    try {
      const outcome = tryOnly
        ? await this.#client.deciders.dryRun({ ...command, at })
        : await this.#client.deciders.execute(command)
      this.result = { tried: tryOnly, at, type, outcome }
      this.error = null
      return this.result
    } catch (thrown) {
      this.result = null
      this.error = toErrorReport(thrown)
      return null
    } finally {
      this.busy = null
    }
  }

  #remember(sent: Sent): void {
    const others = this.earlier.filter(({ type, text }) => type !== sent.type || text !== sent.text)
    this.earlier = [sent, ...others].slice(0, earlierKept)
  }
}

/** The header in which the console says which command an event is of. */
export const commandTypeHeader = 'command-type'

function wholeOf(text: string): number | null {
  return text.trim() === '' ? null : Number(text.trim())
}

function revisionProblem(text: string, least: number): string | null {
  const trimmed = text.trim()
  if (trimmed === '') return null
  const ok = /^\d{1,15}$/.test(trimmed) && Number(trimmed) >= least
  return ok ? null : `A whole number from ${least} on, or nothing.`
}
