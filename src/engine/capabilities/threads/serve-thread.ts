/** The worker's end of a `ThreadClient`. */
import { parentPort } from 'node:worker_threads'
import { toErrorReport } from '../../../shared/errors.ts'
import type { ThreadOperations, ThreadReply, ThreadRequest } from './protocol.ts'

/** How each operation is answered; a handler that throws fails its own request alone. */
export type ThreadHandlers<Operations extends ThreadOperations<Operations>> = {
  readonly [Name in keyof Operations]: (
    query: Operations[Name]['query'],
  ) => Operations[Name]['answer'] | Promise<Operations[Name]['answer']>
}

/** Serves requests until the client closes; then `close` runs and the thread ends. */
export function serveThread<Operations extends ThreadOperations<Operations>>(
  handlers: ThreadHandlers<Operations>,
  close: () => void,
): void {
  const port = parentPort
  if (port === null) throw new Error('This script must run as a worker thread.')
  const byName = new Map<string, (query: unknown) => unknown>(
    Object.entries<(query: never) => unknown>(handlers).map(([name, handler]) => [
      name,
      handler as (query: unknown) => unknown,
    ]),
  )
  let underWay = 0
  let isClosing = false
  const endWhenIdle = (): void => {
    if (!isClosing || underWay > 0) return
    close()
    port.close()
  }
  const answer = async (request: ThreadRequest): Promise<void> => {
    underWay += 1
    let reply: ThreadReply
    try {
      const handler = byName.get(request.operation ?? '')
      if (handler === undefined) throw new Error(`No operation ${String(request.operation)}.`)
      reply = { id: request.id, ok: true, answer: await handler(request.query) }
    } catch (error) {
      reply = { id: request.id, ok: false, error: toErrorReport(error, 'store.io') }
    }
    port.postMessage(reply)
    underWay -= 1
    endWhenIdle()
  }
  port.on('message', (request: ThreadRequest) => {
    if (request.operation === null) {
      isClosing = true
      endWhenIdle()
    } else {
      void answer(request)
    }
  })
}
