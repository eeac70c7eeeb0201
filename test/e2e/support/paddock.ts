/** The real app in a real window: starts it, looks at its processes, ends it. */
import { execFile } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { _electron, expect } from '@playwright/test'
import type { ElectronApplication, Page } from '@playwright/test'
import type { Snapshot } from '../../../src/shared/domain/engine.ts'
import type { LogRecord } from '../../../src/shared/domain/log.ts'
import type { Settings } from '../../../src/shared/domain/settings.ts'
import type { Envelope } from '../../../src/shared/ipc/envelope.ts'

export const root = path.resolve(import.meta.dirname, '../../..')

const executable = process.env['PADDOCK_ELECTRON']
const switches = (process.env['PADDOCK_ELECTRON_SWITCHES'] ?? '').split(' ').filter((each) => each !== '')

export interface StartOptions {
  /** Kept when given; otherwise a new one that goes with the app. */
  readonly stateDir?: string
  readonly settings?: Partial<Settings>
  readonly examples?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export interface Bridge {
  readonly ipc: Record<string, Record<string, (input?: unknown) => Promise<Envelope>>>
}

/** Starts Electron with the switches of this machine; `args` follow them. */
export function launchElectron(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ElectronApplication> {
  const { ELECTRON_RUN_AS_NODE: _node, ...inherited } = process.env
  return _electron.launch({
    ...(executable === undefined ? {} : { executablePath: executable }),
    args: [...switches, ...args],
    env: { ...(inherited as Record<string, string>), ...environment },
  })
}

/** A new folder under the system's temporary one, by its real path. */
export async function temporaryFolder(name: string): Promise<string> {
  return mkdtemp(path.join(tmpdir(), `paddock-e2e-${name}-`))
}

export class Paddock {
  readonly app: ElectronApplication
  readonly page: Page
  readonly stateDir: string
  /** What the page wrote to its console as errors, and what it threw. */
  readonly faults: string[] = []
  private readonly ownsStateDir: boolean
  private readonly child: ChildProcess
  private hasQuit = false

  private constructor(app: ElectronApplication, page: Page, stateDir: string, ownsStateDir: boolean) {
    this.app = app
    this.page = page
    this.stateDir = stateDir
    this.ownsStateDir = ownsStateDir
    this.child = app.process()
    page.on('pageerror', (error) => this.faults.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text())
    })
  }

  static async start(options: StartOptions = {}): Promise<Paddock> {
    const stateDir = options.stateDir ?? (await temporaryFolder('state'))
    if (options.settings !== undefined) {
      await mkdir(stateDir, { recursive: true })
      await writeFile(path.join(stateDir, 'settings.json'), JSON.stringify(options.settings))
    }
    const examples = (options.examples ?? []).flatMap((bundle) => ['--example', bundle])
    const app = await launchElectron([root, '--state-dir', stateDir, ...examples], options.environment)
    const page = await app.firstWindow()
    const paddock = new Paddock(app, page, stateDir, options.stateDir === undefined)
    await expect(page.getByText('Engine running')).toBeVisible()
    return paddock
  }

  /** Answers the engine's state as the page gets it. */
  async snapshot(): Promise<Snapshot> {
    return (await this.call('state', 'snapshot')) as Snapshot
  }

  /** Calls through the page's bridge; fails when the answer is an error. */
  async call(group: string, name: string, input?: unknown): Promise<unknown> {
    const answer = await this.tryCall(group, name, input)
    if (!answer.ok) throw new Error(`${group}.${name}: ${answer.error.code} ${answer.error.message}`)
    return answer.data
  }

  /** Calls through the page's bridge and answers the envelope. */
  tryCall(group: string, name: string, input?: unknown): Promise<Envelope> {
    return this.page.evaluate(
      ([group, name, input]) => (window as unknown as { paddock: Bridge }).paddock.ipc[group]![name]!(input),
      [group, name, input] as const,
    )
  }

  /** What went wrong in Paddock itself, from its own log. */
  async faultsLogged(): Promise<string[]> {
    const query = { filter: { minLevel: 'error' }, before: null, limit: 100 }
    const { records } = (await this.call('logs', 'query', query)) as { records: LogRecord[] }
    return records.filter((record) => record.code === 'internal.bug').map((record) => record.message)
  }

  /** The process that runs a module; fails when none does. */
  async pidOf(name: string): Promise<number> {
    const pid = (await this.snapshot()).modules.find((module) => module.name === name)?.pid
    if (pid === undefined || pid === null) throw new Error(`${name} runs in no process`)
    return pid
  }

  /** Answers the next open dialogs with these paths; null stands for Cancel. */
  async answerOpenDialog(...paths: readonly (string | null)[]): Promise<void> {
    await this.app.evaluate(({ dialog }, answers) => {
      const rest = [...answers]
      dialog.showOpenDialog = async () => {
        const answer = rest.shift() ?? null
        return { canceled: answer === null, filePaths: answer === null ? [] : [answer] }
      }
    }, paths)
  }

  /** Drops files or folders on the window, as the system's file manager would. */
  async drop(...files: readonly string[]): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page)
    try {
      const data = { items: [], files: [...files], dragOperationsMask: 1 }
      const place = { x: 400, y: 300, data }
      await session.send('Input.dispatchDragEvent', { type: 'dragEnter', ...place })
      await session.send('Input.dispatchDragEvent', { type: 'dragOver', ...place })
      await expect(this.page.getByText('Release to check it.')).toBeVisible()
      await session.send('Input.dispatchDragEvent', { type: 'drop', ...place })
    } finally {
      await session.detach()
    }
  }

  get isOpen(): boolean {
    return !this.page.isClosed()
  }

  /** The process ids of the app: its own and those of everything that it started. */
  async processes(): Promise<number[]> {
    return descendants(this.child.pid!)
  }

  /** Ends the app as a crash or a power cut would. */
  async crash(): Promise<void> {
    this.hasQuit = true
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
    await this.forget()
  }

  private async forget(): Promise<void> {
    // Sandboxes of a killed app may still be closing their stores.
    if (this.ownsStateDir) await rm(this.stateDir, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Quits as the operator does and waits for the end, which must be an orderly one. */
  async quit(): Promise<void> {
    if (this.hasQuit) return
    this.hasQuit = true
    const { child } = this
    await this.app.close()
    await this.forget()
    expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: 0, signal: null })
  }
}

const run = promisify(execFile)

/** `pid` and all processes below it. */
async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const parents = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  const found = [pid]
  for (const parent of found) for (const [child, of] of parents) if (of === parent) found.push(child)
  return found
}

/** Whether a process still is there; a zombie that nobody waited for counts as gone. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)])
    return !stdout.trim().startsWith('Z')
  } catch {
    return false
  }
}
