/** The directory that holds everything Paddock keeps, and the lock that keeps a second engine out of it. */
import { constants, copyFile, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { errnoOf } from './errno.ts'
import { PaddockError } from '../shared/errors.ts'

export interface StatePaths {
  readonly root: string
  readonly logs: string
  readonly stores: string
  readonly bundles: string
  /** Fetched content by its hash. */
  readonly content: string
  /** What sources announced so far. */
  readonly discovery: string
  readonly artifacts: string
  /** The ledger of what was used against budgets. */
  readonly budgets: string
  readonly devnet: string
  /** Failures, restarts and quarantines. */
  readonly supervision: string
  /** Encrypted keys, unless the settings name another folder. */
  readonly keystore: string
  /** Who granted, signed and was denied what. */
  readonly audit: string
  /** Token of those who may call tools over HTTP. */
  readonly toolToken: string
  /** Starts that have not proved themselves. */
  readonly starts: string
}

export function statePaths(root: string): StatePaths {
  return {
    root,
    logs: path.join(root, 'logs.db'),
    stores: path.join(root, 'stores'),
    bundles: path.join(root, 'bundles'),
    content: path.join(root, 'content'),
    discovery: path.join(root, 'discovery.json'),
    artifacts: path.join(root, 'artifacts'),
    budgets: path.join(root, 'budgets'),
    devnet: path.join(root, 'devnet.json'),
    supervision: path.join(root, 'supervision.json'),
    starts: path.join(root, 'starts.json'),
    keystore: path.join(root, 'keystore'),
    audit: path.join(root, 'audit'),
    toolToken: path.join(root, 'tool-server.token'),
  }
}

export interface StateLock {
  release(): Promise<void>
}

/** Creates the directories and takes the lock. Throws `state.unwritable` and `state.locked`. */
export async function openStateDirectory(paths: StatePaths): Promise<StateLock> {
  try {
    for (const directory of [paths.root, paths.stores, paths.bundles, paths.artifacts]) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
    }
  } catch (cause) {
    throw new PaddockError('state.unwritable', `The state directory ${paths.root} cannot be written.`, {
      cause,
    })
  }
  return takeLock(path.join(paths.root, 'engine.lock'))
}

/** Locks that this very process holds: its own pid in a file may also be that of an engine before it. */
const heldHere = new Set<string>()

async function takeLock(file: string): Promise<StateLock> {
  if (heldHere.has(file)) throw locked(file)
  heldHere.add(file)
  try {
    await takeLockFile(file)
  } catch (error) {
    heldHere.delete(file)
    throw error
  }
  return {
    release: async () => {
      await rm(file, { force: true })
      heldHere.delete(file)
    },
  }
}

async function takeLockFile(file: string): Promise<void> {
  const own = `${file}.${process.pid}`
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      // Linked into place with its content: nobody ever sees a lock without its owner.
      await writeFile(own, String(process.pid), { mode: 0o600 })
      await place(own, file)
      return
    } catch (cause) {
      if (errnoOf(cause) !== 'EEXIST') {
        throw new PaddockError(
          'state.unwritable',
          `The state directory ${path.dirname(file)} cannot be written.`,
          { cause },
        )
      }
      const owner = Number(await readFile(file, 'utf8').catch(() => ''))
      if (owner !== process.pid && isRunning(owner)) break
      await rm(file, { force: true })
    } finally {
      await rm(own, { force: true }).catch(() => undefined)
    }
  }
  throw locked(file)
}

/** File systems that know no hard links, such as exFAT. */
const linkless: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

async function place(own: string, file: string): Promise<void> {
  try {
    await link(own, file)
  } catch (error) {
    if (!linkless.includes(errnoOf(error) ?? '')) throw error
    await copyFile(own, file, constants.COPYFILE_EXCL)
  }
}

function locked(file: string): PaddockError {
  return new PaddockError('state.locked', `Another Paddock uses the state directory ${path.dirname(file)}.`)
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}
