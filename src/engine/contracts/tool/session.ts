/** A module of tools while it lives: its operations take calls, its threads come and go with them. */
import path from 'node:path'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { LoadSpec } from '../../../shared/sandbox/protocol.ts'
import { isRejection } from '../../supervisor/rejections.ts'
import type { ContractSession, InitOutcome, OwnProcesses, SessionContext } from '../session.ts'
import { readToolDeclaration } from './declaration.ts'
import type { Tool } from './jobs/tool.ts'

export class ToolSession implements ContractSession {
  readonly processes: OwnProcesses
  private readonly context: SessionContext
  private tool: Tool | undefined
  private leave = new AbortController()

  /** Throws `manifest.*` for a declaration that makes no sense. */
  constructor(context: SessionContext, predecessor: ContractSession | undefined) {
    predecessor?.close()
    this.context = context
    const { name, manifest, services } = context
    const declaration = readToolDeclaration(manifest)
    services.tools.introduce({
      module: name,
      version: manifest.version,
      declaration,
      grants: () => context.grants,
    })
    const pids = (): number[] => (this.tool === undefined ? [] : services.tools.pool.pids(this.tool.key))
    this.processes = {
      get pids() {
        return pids()
      },
      start: (spec, run) => this.start(spec, run),
      stop: (graceMs) => this.stop(graceMs),
    }
  }

  /** Calls wait in the service, whose own they are. */
  get queued(): number {
    return 0
  }

  initialise(): Promise<InitOutcome> {
    const error = new PaddockError('internal.bug', 'Tools run in processes that they share.')
    return Promise.resolve({ kind: 'failed', error: error.toReport() })
  }

  open(): void {
    // `start` did all there is.
  }

  detach(): void {
    // `stop` does it.
  }

  close(): void {
    void this.stop(0)
  }

  private async start(spec: LoadSpec, run: number): Promise<InitOutcome> {
    const { context } = this
    const { tools } = context.services
    try {
      await this.stop(0)
      const { signal } = this.leave
      const tool = this.createTool(spec)
      tools.register(tool)
      this.tool = tool
      await tools.ready(tool, signal)
      context.log('debug', 'tool_ready', `${context.name} takes calls (run ${run})`)
      return { kind: 'ok' }
    } catch (error) {
      await this.stop(0)
      const report = toErrorReport(error)
      return { kind: isRejection(report.code) ? 'rejected' : 'failed', error: report }
    }
  }

  private async stop(graceMs: number): Promise<void> {
    const { tool } = this
    this.tool = undefined
    this.leave.abort()
    this.leave = new AbortController()
    if (tool !== undefined) await this.context.services.tools.unregister(tool, graceMs)
  }

  private createTool(spec: LoadSpec): Tool {
    const { context } = this
    const { name, manifest } = context
    return {
      module: name,
      version: manifest.version,
      declaration: readToolDeclaration(manifest),
      spec,
      key: path.basename(spec.artifactDirectory),
      get grants() {
        return context.grants
      },
      compile: () => context.compile(),
      onFailed: (error) => context.onFailed(error),
      onHealthy: () => context.onHealthy(),
      guestLogs: (records, dropped) => context.guestLogs(records, dropped),
      log: (level, event, message, code) => context.log(level, event, message, code),
    }
  }
}
