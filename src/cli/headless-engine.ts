/** The engine as the headless command runs it: plain Node, settings in memory. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Engine } from '../engine/engine.ts'
import { ForkLauncher } from '../engine/sandboxes/fork-launcher.ts'
import { dataKeySource, passphraseFileVariable } from '../engine/secret-keys/data-key.ts'
import { dataKeyBytes } from '../engine/secret-keys/key-file.ts'
import { memorySettings } from '../engine/settings-port.ts'
import { settingsSchema, type Settings } from '../shared/domain/settings.ts'

export interface HeadlessOptions {
  readonly version: string
  /** Null for a directory that is thrown away at the end. */
  readonly stateDir: string | null
  readonly settings: Partial<Settings>
}

export interface HeadlessEngine {
  readonly engine: Engine
  /** Stops the engine and removes what it need not keep. */
  close(): Promise<void>
}

export async function createHeadlessEngine(options: HeadlessOptions): Promise<HeadlessEngine> {
  const here = __dirname
  const temporary = options.stateDir === null ? await mkdtemp(path.join(tmpdir(), 'paddock-')) : null
  const stateDir = path.resolve(options.stateDir ?? temporary ?? '.')
  const engine = new Engine({
    version: options.version,
    stateDir,
    settings: memorySettings(settingsSchema.parse({ devnet: { autoStart: false }, ...options.settings })),
    launcher: new ForkLauncher(),
    // Who names a flow file on the command line lends it the environment, as any command does.
    flowEnvironment: process.env,
    dataKey:
      temporary === null
        ? dataKeySource({ stateDir, passphraseFile: process.env[passphraseFileVariable], keychain: null })
        : keyInMemory(),
    entries: {
      sandbox: path.join(here, 'sandbox.cjs'),
      compiler: path.join(here, 'compiler.cjs'),
      telemetry: path.join(here, 'telemetry.cjs'),
      storeReader: path.join(here, 'store-reader.cjs'),
      messageStore: path.join(here, 'message-store.cjs'),
      contentStore: path.join(here, 'content-store.cjs'),
    },
  })
  return {
    engine,
    async close() {
      await engine.shutdown()
      if (temporary !== null) await rm(temporary, { recursive: true, force: true })
    },
  }
}

/** What is sealed with it is thrown away with the directory, so it is kept nowhere. */
function keyInMemory(): () => Promise<Uint8Array> {
  const key = randomBytes(dataKeyBytes)
  // Whoever asks overwrites what it gets.
  return () => Promise.resolve(Uint8Array.from(key))
}
