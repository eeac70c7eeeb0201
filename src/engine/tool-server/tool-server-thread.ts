/** Entry of the thread that serves tools over HTTP: requests of megabytes are parsed here, not in the engine's thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { PaddockError, toErrorReport } from '../../shared/errors.ts'
import type { ToolCallView, ToolView } from '../../shared/domain/tool.ts'
import type { GatewayCall, ToolGateway } from './gateway.ts'
import { HttpEndpoint } from './http-endpoint.ts'
import { serverStartSchema, toServerSchema, type FromServer, type ToServer } from './protocol.ts'

type Answer = Extract<ToServer, { kind: 'listed' | 'called' | 'failed' }>

/** The engine behind messages. */
class RemoteGateway implements ToolGateway {
  private readonly post: (message: FromServer) => void
  private readonly waiting = new Map<number, (answer: Answer) => void>()
  private readonly states = new Map<number, (state: ToolCallView['state']) => void>()
  private readonly listeners = new Set<() => void>()
  private nextId = 1

  constructor(post: (message: FromServer) => void) {
    this.post = post
  }

  async list(): Promise<readonly ToolView[]> {
    const id = this.nextId++
    const answer = await this.ask(id, { kind: 'list', id })
    if (answer.kind === 'listed') return answer.tools
    throw faultOf(answer)
  }

  async call({ operation, params, caller, signal, onState }: GatewayCall): Promise<ToolCallView> {
    const id = this.nextId++
    if (onState !== undefined) this.states.set(id, onState)
    const leave = (): void => this.post({ kind: 'cancel', id })
    signal.addEventListener('abort', leave, { once: true })
    try {
      const asked = this.ask(id, { kind: 'call', id, operation, params, caller })
      if (signal.aborted) leave()
      const answer = await asked
      if (answer.kind === 'called') return answer.call
      throw faultOf(answer)
    } finally {
      signal.removeEventListener('abort', leave)
      this.states.delete(id)
    }
  }

  onDidChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  receive(message: Exclude<ToServer, { kind: 'close' }>): void {
    switch (message.kind) {
      case 'changed':
        for (const listener of this.listeners) listener()
        return
      case 'state':
        this.states.get(message.id)?.(message.state)
        return
      default: {
        const settle = this.waiting.get(message.id)
        this.waiting.delete(message.id)
        settle?.(message)
      }
    }
  }

  private ask(id: number, message: FromServer): Promise<Answer> {
    return new Promise((resolve) => {
      this.waiting.set(id, resolve)
      this.post(message)
    })
  }
}

function faultOf(answer: Answer): PaddockError {
  return answer.kind === 'failed'
    ? PaddockError.fromReport(answer.error)
    : new PaddockError('internal.bug', 'The engine answered another question than was asked.')
}

async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  const post = (message: FromServer): void => port.postMessage(message)
  const gateway = new RemoteGateway(post)
  const endpoint = new HttpEndpoint({ ...serverStartSchema.parse(workerData), gateway })
  port.on('message', (raw: unknown) => {
    const message = toServerSchema.parse(raw)
    if (message.kind !== 'close') {
      gateway.receive(message)
      return
    }
    void endpoint.close().then(() => {
      post({ kind: 'closed' })
      port.close()
    })
  })
  try {
    post({ kind: 'listening', url: await endpoint.listen() })
  } catch (error) {
    post({ kind: 'failed-to-listen', error: toErrorReport(error) })
    port.close()
  }
}

if (parentPort !== null) void serve(parentPort)
