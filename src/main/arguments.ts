import path from 'node:path'

export interface AppArguments {
  /** Where settings, stores, logs and caches live. */
  readonly stateDir: string
  /** Bundles installed without a prompt, once: the project's own examples. */
  readonly examples: readonly string[]
  /** Print what the modules log. */
  readonly print: boolean
}

/**
 * Reads the command line of the app: `[--state-dir DIR] [--example BUNDLE]…`.
 */
export function readArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  defaultStateDir: string,
): AppArguments {
  let stateDir = environment['PADDOCK_STATE_DIR'] ?? defaultStateDir
  const examples: string[] = []
  const rest = argv.slice(1)
  for (let index = 0; index < rest.length; index += 1) {
    const [option = '', inline] = (rest[index] ?? '').split('=', 2)
    if (option !== '--state-dir' && option !== '--example') continue
    const value = inline ?? rest[(index += 1)]
    if (value === undefined) continue
    if (option === '--state-dir') stateDir = value
    else examples.push(path.resolve(value))
  }
  return { stateDir: path.resolve(stateDir), examples, print: environment['PADDOCK_PRINT'] === '1' }
}
