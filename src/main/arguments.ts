import path from 'node:path'

export interface AppArguments {
  /** Where settings, stores, logs and caches live. */
  readonly stateDir: string
  /** Bundles named on the command line, offered for review. */
  readonly bundles: readonly string[]
  /** Install offered bundles without asking: only for the examples of a first start. */
  readonly installOffered: boolean
  /** Print what the modules log. */
  readonly print: boolean
}

/**
 * Reads the command line of the app: `[--state-dir DIR] [--examples] [bundle…]`.
 * `--examples` installs the bundles named after it without a prompt; `npm start` uses it for the
 * project's own example modules.
 */
export function readArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  defaultStateDir: string,
): AppArguments {
  let stateDir = environment['PADDOCK_STATE_DIR'] ?? defaultStateDir
  let installOffered = false
  const bundles: string[] = []
  const rest = argv.slice(1)
  for (let index = 0; index < rest.length; index += 1) {
    const argument = rest[index] ?? ''
    if (argument === '--state-dir') {
      stateDir = rest[index + 1] ?? stateDir
      index += 1
    } else if (argument.startsWith('--state-dir=')) {
      stateDir = argument.slice('--state-dir='.length)
    } else if (argument === '--examples') {
      installOffered = true
    } else if (installOffered && !argument.startsWith('-')) {
      bundles.push(path.resolve(argument))
    }
  }
  return { stateDir: path.resolve(stateDir), bundles, installOffered, print: environment['PADDOCK_PRINT'] === '1' }
}
