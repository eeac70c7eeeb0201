import path from 'node:path'

export interface AppArguments {
  /** Where settings, stores, logs and caches live. */
  readonly stateDir: string
  /** Bundles installed without a prompt, once: the project's own examples. */
  readonly examples: readonly string[]
  /** Folders of flows, likewise. */
  readonly exampleFlows: readonly string[]
  /** Print what the modules log. */
  readonly print: boolean
}

/**
 * Reads the command line of the app: `[--state-dir DIR] [--example BUNDLE]… [--example-flow FOLDER]…`.
 */
export function readArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  defaultStateDir: string,
): AppArguments {
  let stateDir = environment['PADDOCK_STATE_DIR'] ?? defaultStateDir
  const examples: string[] = []
  const exampleFlows: string[] = []
  const rest = argv.slice(1)
  for (let index = 0; index < rest.length; index += 1) {
    const [option = '', inline] = (rest[index] ?? '').split('=', 2)
    if (option !== '--state-dir' && option !== '--example' && option !== '--example-flow') continue
    const value = inline ?? rest[(index += 1)]
    if (value === undefined) continue
    if (option === '--state-dir') stateDir = value
    else (option === '--example' ? examples : exampleFlows).push(path.resolve(value))
  }
  return {
    stateDir: path.resolve(stateDir),
    examples,
    exampleFlows,
    print: environment['PADDOCK_PRINT'] === '1',
  }
}
