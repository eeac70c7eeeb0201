/** Accounts and signatures of a run without a window: keys are unlocked from a file, questions go to the terminal. */
import { readFile } from 'node:fs/promises'
import { createInterface, type Interface } from 'node:readline'
import type { Engine } from '../engine/engine.ts'
import type { Approval, SignedContent } from '../shared/domain/identity.ts'
import { PaddockError } from '../shared/errors.ts'
import type { Output } from './output.ts'

/** How signatures that wait for a person are answered: on the terminal, all approved, or all refused. */
export const approveChoices = ['ask', 'all', 'none'] as const
export type Approve = (typeof approveChoices)[number]

/** Unlocks every account of the keystore that the first line of the file opens. Throws `settings.*`, `identity.*`. */
export async function unlockFrom(engine: Pick<Engine, 'identity'>, file: string): Promise<void> {
  let passphrase: string
  try {
    passphrase = (await readFile(file, 'utf8')).split(/\r?\n/)[0] ?? ''
  } catch (cause) {
    throw new PaddockError('settings.invalid', `The passphrase file ${file} cannot be read.`, { cause })
  }
  const { accounts } = await engine.identity.view()
  for (const { address, source } of accounts) {
    if (source === 'keystore') await engine.identity.unlock(address, passphrase)
  }
}

/** Answers what waits for a signature until the function it answers is called. */
export function answerSignatures(
  { identity }: Pick<Engine, 'identity'>,
  approve: Approve,
  output: Output,
  input: NodeJS.ReadableStream & { readonly isTTY?: boolean } = process.stdin,
): () => void {
  const seen = new Set<string>()
  let terminal: Interface | undefined
  let questions: Promise<void> = Promise.resolve()
  const settle = (approval: Approval, isApproved: boolean): void => {
    try {
      identity.answer(approval.id, isApproved)
    } catch {
      output.warning('The signature does not wait any more.')
    }
  }
  const ask = (approval: Approval): void => {
    if (input.isTTY !== true) {
      output.warning(
        'There is no terminal to ask: the signature is refused. Run with --approve all to agree.',
      )
      settle(approval, false)
      return
    }
    const opened = (terminal ??= createInterface({ input, output: process.stderr }))
    // One question at a time, each with what it is about.
    questions = questions.then(
      () =>
        new Promise((resolve) => {
          const { module, account } = approval
          opened.question(`${module} with ${account}: sign? [y/N] `, (answer) => {
            settle(approval, /^y(es)?$/i.test(answer.trim()))
            resolve()
          })
        }),
    )
  }
  const take = (approval: Approval): void => {
    const { module, account, method, chainId, digest, content } = approval
    output.line(
      'notice',
      { event: 'approval', module, account, method, chainId, digest, content },
      `${module} asks to sign with ${account}: ${describe(content)}`,
    )
    if (approve === 'ask') ask(approval)
    else settle(approval, approve === 'all')
  }
  const stop = identity.onApprovals((approvals) => {
    for (const approval of approvals) {
      if (seen.has(approval.id)) continue
      seen.add(approval.id)
      // Not within the call that asks: its answer would be there before its question.
      queueMicrotask(() => take(approval))
    }
  })
  return () => {
    stop()
    terminal?.close()
  }
}

function describe(content: SignedContent): string {
  switch (content.kind) {
    case 'message':
      return `the message ${content.text === null ? content.hex : JSON.stringify(content.text)}`
    case 'typed-data':
      return `${content.primaryType} ${[...content.domain, ...content.fields]
        .map(({ path, value }) => `${path}=${JSON.stringify(value)}`)
        .join(' ')}`
    case 'transaction':
      return `a transaction to ${content.to ?? 'a new contract'}, value ${content.valueWei} wei, data ${content.data}`
  }
}
