/** One open call at the broker. */
import type { HttpFailureAnswer } from '../../../shared/contracts/tool.ts'
import type { BodyPartAnswer, HttpHead } from '../../../shared/contracts/tool-body.ts'
import type { SentRequest } from '../../../shared/contracts/tool-call.ts'
import type { BrokeredCall, CallFigures, OutputVerdict } from '../../contracts/tool/broker.ts'
import type { BrokerConnection } from './broker-connection.ts'

const cancelled: HttpFailureAnswer = {
  ok: false,
  kind: 'executor',
  code: 'cancelled',
  message: 'cancelled',
  requestSent: false,
}

export class OpenCall implements BrokeredCall {
  private readonly connection: BrokerConnection
  private readonly call: number
  private closing: Promise<CallFigures> | undefined

  constructor(connection: BrokerConnection, call: number) {
    this.connection = connection
    this.call = call
  }

  async sendBody(part: Uint8Array): Promise<boolean> {
    const { connection, call } = this
    return this.closing === undefined && (await connection.ask('send-body', { call, part: compact(part) }))
  }

  async http({ body, ...request }: SentRequest): Promise<HttpHead> {
    const { connection, call } = this
    if (this.closing !== undefined) return cancelled
    const last = body === undefined ? {} : { body: compact(body) }
    return await connection.ask('http', { call, request: { ...request, ...last } })
  }

  async readBody(offset: number): Promise<BodyPartAnswer> {
    const { connection, call } = this
    if (this.closing !== undefined) return { ...cancelled, requestSent: true }
    return await connection.ask('read-body', { call, offset })
  }

  readWorkspace(path: string): Promise<string | null> {
    return this.connection.ask('read-workspace', { call: this.call, path })
  }

  secretExists(name: string): Promise<boolean> {
    return this.connection.ask('secret-exists', { call: this.call, name })
  }

  scanOutput(text: string): Promise<OutputVerdict> {
    return this.connection.ask('scan-output', { call: this.call, text })
  }

  scrub(texts: readonly string[], maxBytes: number): Promise<string[]> {
    return this.connection.ask('scrub', { call: this.call, texts: [...texts], maxBytes })
  }

  cancel(): void {
    this.connection.cancel(this.call)
  }

  figures(): Promise<CallFigures> {
    return this.closing ?? this.connection.ask('figures', { call: this.call })
  }

  close(): Promise<CallFigures> {
    this.closing ??= this.connection.ask('close', { call: this.call })
    return this.closing
  }
}

/** A view of a part is sent with all that lies around it; here only the part leaves. */
function compact(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}
