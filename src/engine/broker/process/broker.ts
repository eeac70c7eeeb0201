/** The broker itself: which calls are open, and what answers each question (src/shared/tool-broker/protocol.ts). */
import type { BrokerAnswer, BrokerQuestion } from '../../../shared/tool-broker/protocol.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { CallSession, type BrokerParts } from './call-session.ts'

export class Broker {
  private readonly parts: BrokerParts
  private readonly calls = new Map<number, CallSession>()
  /** Cancelled before they were open. */
  private readonly cancelled = new Set<number>()
  private readonly opening = new Set<number>()

  constructor(parts: BrokerParts) {
    this.parts = parts
  }

  /** Throws `secret.*` and `tool.*`. */
  async answer(question: BrokerQuestion): Promise<BrokerAnswer<BrokerQuestion['kind']>> {
    switch (question.kind) {
      case 'open':
        await this.open(question.call, question.policy)
        return null
      case 'http':
        return await this.of(question).request(question.request)
      case 'send-body':
        return this.of(question).sendBody(question.part)
      case 'read-body':
        return this.of(question).readBody(question.offset)
      case 'read-workspace':
        return await this.of(question).readWorkspace(question.path)
      case 'secret-exists':
        return this.of(question).secretExists(question.name)
      case 'scan-output':
        return await this.of(question).scanOutput(question.text)
      case 'scrub':
        return await this.of(question).scrub(question.texts, question.maxBytes)
      case 'figures':
        return await this.of(question).figures()
      case 'close': {
        const session = this.of(question)
        this.calls.delete(question.call)
        return await session.close()
      }
      case 'list-secrets':
        return await this.parts.vault.list()
      case 'set-secret':
        await this.parts.vault.set(question.name, question.value)
        return null
      case 'remove-secret':
        await this.parts.vault.remove(question.name)
        return null
      case 'end':
        await this.end()
        return null
    }
  }

  cancel(call: number): void {
    this.calls.get(call)?.cancel()
    if (this.opening.has(call)) this.cancelled.add(call)
  }

  private async open(call: number, policy: Parameters<typeof CallSession.open>[1]): Promise<void> {
    this.opening.add(call)
    try {
      const session = await CallSession.open(this.parts, policy)
      this.calls.set(call, session)
      if (this.cancelled.has(call)) session.cancel()
    } finally {
      this.opening.delete(call)
      this.cancelled.delete(call)
    }
  }

  private of({ call }: { readonly call: number }): CallSession {
    const session = this.calls.get(call)
    if (session === undefined) throw new PaddockError('internal.bug', 'The broker has no such call.')
    return session
  }

  private async end(): Promise<void> {
    const { vault, scans, egress } = this.parts
    await Promise.allSettled([...this.calls.values()].map((session) => session.close()))
    this.calls.clear()
    egress.close()
    await vault.close()
    await scans.close()
  }
}
