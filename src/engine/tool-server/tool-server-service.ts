/** Whether tools are served to other programs of this machine, as the settings say (issue 6). */
import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import type { ToolsSection } from '../../shared/domain/operator/tools.ts'
import { PaddockError, toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import { isAccessToken } from '../access-token.ts'
import type { ToolApi } from '../contracts/tool/api.ts'
import { errnoOf } from '../errno.ts'
import { ToolServer } from './tool-server.ts'

export interface ToolServerServiceOptions {
  readonly api: ToolApi
  readonly entry: string
  readonly version: string
  /** Where the token is kept; made with the first start. */
  readonly tokenFile: string
  /** Shown as a lasting condition; null when it ended. */
  readonly onFault: (error: ErrorReport | null) => void
}

export interface ToolServerView {
  /** `http://127.0.0.1:7415`, or null while nothing listens. */
  readonly url: string | null
  readonly tokenFile: string
}

export class ToolServerService {
  private readonly options: ToolServerServiceOptions
  private applied: ToolsSection | undefined
  private server: ToolServer | undefined
  private url: string | null = null
  /** One change after the other. */
  private last: Promise<void> = Promise.resolve()

  constructor(options: ToolServerServiceOptions) {
    this.options = options
  }

  get view(): ToolServerView {
    return { url: this.url, tokenFile: this.options.tokenFile }
  }

  /** Starts, stops or moves the server. Never rejects: what is wrong is told as a condition. */
  apply(section: ToolsSection): Promise<void> {
    this.last = this.last.then(() => this.change(section))
    return this.last
  }

  close(): Promise<void> {
    this.last = this.last.then(() => this.stop())
    return this.last
  }

  private async change(section: ToolsSection): Promise<void> {
    const { applied } = this
    this.applied = section
    if (section.server && this.server !== undefined && section.port === applied?.port) return
    await this.stop()
    this.options.onFault(null)
    if (section.server) await this.start(section.port)
  }

  private async start(port: number): Promise<void> {
    const { api, entry, version, onFault, tokenFile } = this.options
    const server: ToolServer = new ToolServer({
      api,
      entry,
      version,
      onLost: (error) => {
        if (this.server === server) this.server = undefined
        this.url = null
        onFault(error.toReport())
      },
    })
    try {
      this.url = await server.start({ port, token: await tokenOf(tokenFile) })
      this.server = server
    } catch (error) {
      onFault(toErrorReport(error))
    }
  }

  private async stop(): Promise<void> {
    const { server } = this
    this.server = undefined
    this.url = null
    await server?.close()
  }
}

/** The token of this machine, made when there is none. Throws `settings.unwritable`. */
async function tokenOf(file: string): Promise<string> {
  try {
    const handle = await open(file, 'wx', 0o600)
    const token = randomBytes(32).toString('base64url')
    await handle.writeFile(`${token}\n`)
    await handle.close()
    return token
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST')
      throw new PaddockError('settings.unwritable', `The token file ${file} cannot be written.`, { cause })
  }
  const token = (await readFile(file, 'utf8')).trim()
  if (isAccessToken(token)) return token
  throw new PaddockError('settings.invalid', `The token file ${file} holds no token.`, {
    remedy: 'Remove the file; a new token is made with the next start.',
  })
}
