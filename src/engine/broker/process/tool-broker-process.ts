/** Entry of the tool broker: the one process that holds secrets and reaches the outside for tools. */
import { PaddockError } from '../../../shared/errors.ts'
import { openParentChannel } from '../../../shared/process/parent-port.ts'
import {
  brokerRequestSchema,
  questionIdSchema,
  type BrokerQuestion,
  type BrokerRequest,
  type BrokerResponse,
} from '../../../shared/tool-broker/protocol.ts'
import { Broker } from './broker.ts'
import { setUpBroker } from './set-up.ts'

const channel = openParentChannel(process)
if (channel === undefined) {
  process.stderr.write('This script is started by Paddock only.\n')
  process.exit(2)
}

// An error's text or stack could show a value, and what is printed here is kept.
process.on('uncaughtException', () => process.exit(1))
process.on('unhandledRejection', () => process.exit(1))

let broker: Promise<Broker> | undefined

function post(response: BrokerResponse, sent?: () => void): void {
  channel?.post(response, sent)
}

/** Nothing but what was written for others to read. */
function errorOf(thrown: unknown): Extract<BrokerResponse, { kind: 'failed' }>['error'] {
  const known =
    thrown instanceof PaddockError ? thrown : new PaddockError('internal.bug', 'The broker failed.')
  const { code, message, remedy } = known.toReport()
  return { code, message, remedy }
}

async function answer(question: BrokerQuestion): Promise<void> {
  const { id } = question
  try {
    if (broker === undefined) throw new PaddockError('internal.bug', 'The broker was not set up.')
    const result = await (await broker).answer(question)
    post({ kind: 'answer', id, answer: result }, () => {
      if (question.kind === 'end') process.exit(0)
    })
  } catch (thrown) {
    post({ kind: 'failed', id, error: errorOf(thrown) })
  }
}

function receive(request: BrokerRequest): void {
  if (request.kind === 'set-up') {
    const starting = setUpBroker(request)
    broker ??= starting.then(({ parts }) => new Broker(parts))
    starting.then(
      ({ notice }) => post({ kind: 'ready', notice: notice === null ? null : errorOf(notice) }),
      (thrown: unknown) => post({ kind: 'unusable', error: errorOf(thrown) }, () => process.exit(1)),
    )
  } else if (request.kind === 'cancel') {
    broker?.then((each) => each.cancel(request.call)).catch(() => undefined)
  } else {
    void answer(request)
  }
}

/** A message that cannot be read is answered where it says what question it is. */
function refuse(message: unknown): void {
  const id = questionIdSchema.safeParse(message)
  if (!id.success) return
  const error = new PaddockError('internal.bug', 'The broker cannot read a message of the engine.')
  post({ kind: 'failed', id: id.data.id, error: errorOf(error) })
}

channel.onMessage((message) => {
  const request = brokerRequestSchema.safeParse(message)
  if (request.success) receive(request.data)
  else refuse(message)
})
channel.onDisconnect(() => process.exit(0))
