import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { Approvals, type ApprovalQuestion } from '../engine/capabilities/identity/approvals.ts'
import type { Engine } from '../engine/engine.ts'
import type { Output } from './output.ts'
import { answerSignatures, type Approve } from './signatures.ts'

const question: ApprovalQuestion = {
  module: 'keeper',
  account: `0x${'ab'.repeat(20)}`,
  method: 'sign',
  chainId: null,
  digest: `0x${'00'.repeat(32)}`,
  content: { kind: 'message', bytes: 5, text: 'hello', hex: '0x68656c6c6f', isCut: false },
}

async function answered(approve: Approve): Promise<{ answer: string; lines: string[] }> {
  const approvals = new Approvals(new ManualClock())
  const lines: string[] = []
  const output = {
    line: (_kind: string, _fields: object, text: string) => lines.push(text),
    warning: (text: string) => lines.push(text),
  } as unknown as Output
  const identity = {
    onApprovals: approvals.onChange.bind(approvals),
    answer: approvals.answer.bind(approvals),
  } as unknown as Engine['identity']
  const stop = answerSignatures({ identity }, approve, output, new PassThrough())
  const answer = await approvals.ask(question, new AbortController().signal)
  stop()
  return { answer, lines }
}

describe('signatures of a run without a window', () => {
  it('are told, and answered as the flag says', async () => {
    const all = await answered('all')
    expect(all.answer).toBe('approved')
    expect(all.lines).toEqual([`keeper asks to sign with ${question.account}: the message "hello"`])
    expect((await answered('none')).answer).toBe('refused')
  })

  it('are refused where there is nobody to ask', async () => {
    const { answer, lines } = await answered('ask')
    expect(answer).toBe('refused')
    expect(lines[1]).toMatch(/no terminal/)
  })
})
