/** The last calls of all tools, newest first. */
import type { ToolCallView, ToolOutcome } from '../../../../shared/domain/tool.ts'
import type { ToolHistoryFilter } from '../api.ts'
import type { CallRecord } from './call-record.ts'

/** Calls that are kept. */
const kept = 500

/** Characters of outputs that are kept of all calls together; the newest keep theirs. */
const outputCharacters = 33_554_432
/** An output this long or shorter is always kept. */
const shortOutput = 4_096

export class CallHistory {
  private readonly records = new Map<string, CallRecord>()

  /** Forgets the oldest that are too many; calls under way are never forgotten. */
  add(record: CallRecord): void {
    this.records.set(record.identity.id, record)
    if (this.records.size <= kept) return
    for (const [id, { states }] of this.records) {
      if (!states.isAnswered) continue
      this.records.delete(id)
      return
    }
  }

  /** Forgets the outputs of the oldest calls when there are too many long ones. */
  trim(): void {
    const long = [...this.records.values()].filter(({ outcome }) => lengthOf(outcome) > shortOutput)
    let total = long.reduce((sum, { outcome }) => sum + lengthOf(outcome), 0)
    for (const record of long) {
      if (total <= outputCharacters) return
      total -= record.dropOutput()
    }
  }

  view(id: string): ToolCallView | undefined {
    return this.records.get(id)?.view()
  }

  list({ module, limit, before }: ToolHistoryFilter): ToolCallView[] {
    const all = [...this.records.values()].reverse()
    const from = before === undefined ? 0 : all.findIndex(({ identity }) => identity.id === before) + 1
    // What is no longer known cannot be paged behind.
    if (before !== undefined && from === 0) return []
    return all
      .slice(from)
      .filter(({ identity }) => module === undefined || identity.module === module)
      .slice(0, Math.max(0, limit))
      .map((record) => record.view())
  }
}

function lengthOf(outcome: ToolOutcome | null): number {
  return outcome?.ok === true ? outcome.output.length : 0
}
