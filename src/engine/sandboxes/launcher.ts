/**
 * How the engine starts a process of its own without knowing what kind of process it is.
 *
 * Two implementations: `ForkLauncher` (plain Node, `child_process.fork`) beside this file, and
 * `UtilityLauncher` (Electron, `utilityProcess.fork`) in src/main. One test suite covers both.
 * Used for module sandboxes and for the compiler process (DESIGN.md, "Processes and threads").
 */

export interface LaunchOptions {
  /** Absolute path of the built script the process runs. */
  readonly entry: string
  /** Unique among running processes; joins the platform's own death reports to this process. */
  readonly serviceName: string
  /** Cap of the V8 heap, in MiB: how it is passed differs between platforms. V8's own choice when left out. */
  readonly heapLimitMb?: number
  /** Node flags. */
  readonly execArgv?: readonly string[]
  /** Further script arguments. Never a secret: arguments are visible to other users. */
  readonly args?: readonly string[]
}

/** Why a process ended, as classified from the platform's most reliable signal (style 4). */
export type ExitClass = 'clean' | 'error' | 'crash' | 'oom' | 'killed' | 'launch-failed'

export interface ProcessExit {
  readonly class: ExitClass
  /** Exit code, when there is one. */
  readonly code: number | null
  /** Signal that ended it, when known (`SIGKILL`). */
  readonly signal: string | null
}

/** A started process. Every listener registration returns its own removal. */
export interface LaunchedProcess {
  /** Operating-system process id once spawned. */
  readonly pid: number | undefined
  /** Sends one structured-cloneable message; a message to an ended process is dropped. */
  post(message: unknown): void
  onMessage(listener: (message: unknown) => void): () => void
  /** Called exactly once, after the last message. Called at once if already ended. */
  onExit(listener: (exit: ProcessExit) => void): () => void
  /** What the process prints, line by line, for diagnostics only. */
  onOutput(listener: (line: string, stream: 'stdout' | 'stderr') => void): () => void
  /** Ends the process at once (SIGKILL). Safe to call at any time and again. */
  kill(): void
}

export interface SandboxLauncher {
  /** Starts a process with an allow-listed, secret-free environment. Never throws: a failed launch is an exit. */
  launch(options: LaunchOptions): LaunchedProcess
}

/** Environment variables a child may see; everything else stays in the parent (style 10, S16). */
export const childEnvironmentNames = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TEMP',
  'TMP',
  'LANG',
  'LC_ALL',
  'TZ',
  'SystemRoot',
  'windir',
] as const

/** The allow-listed part of `environment`. */
export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const allowed: Record<string, string> = {}
  for (const name of childEnvironmentNames) {
    const value = environment[name]
    if (value !== undefined) allowed[name] = value
  }
  return allowed
}
