/** The same calls of the same guests in sandbox processes on two generations of V8: their fuel, side by side. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { electron } from '../../scripts/setup/electron.mjs'
import { sqlite } from '../../scripts/setup/sqlite.mjs'
import type { CallOutcome } from '../../src/shared/sandbox/protocol.ts'
import { artifactOf, SandboxProcess } from './sandbox-process.ts'

const root = join(import.meta.dirname, '../..')

/** Guests and how often each gets an event, after its init; with the endless loop 20 calls in all. */
const guests: readonly (readonly [name: string, events: number])[] = [
  ['counter', 3],
  ['echo', 3],
  ['store-bench', 2],
  ['trap', 1],
  ['block-logger', 5],
]
/** A budget in which the endless loop ends quickly. */
const loopFuel = 5_000_000

export interface FuelRow {
  readonly guest: string
  readonly call: string
  readonly status: string
  readonly fuel: number | null
}

export interface SecondRuntime {
  readonly executable: string
  /** Of V8. */
  readonly version: string
}

/** Electron's Node, or `undefined` where no Electron can be had on this machine. */
export async function secondRuntime(): Promise<SecondRuntime | undefined> {
  const provided = await electron().catch(() => undefined)
  if (provided === undefined || !existsSync(provided.executable)) return undefined
  await sqlite(provided.version)
  const { stdout } = await promisify(execFile)(provided.executable, ['-p', 'process.versions.v8'], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  })
  return { executable: provided.executable, version: stdout.trim() }
}

/** The fuel of 20 calls with fixed inputs, each guest in a sandbox process of this runtime; artifacts go to `artifacts`. */
export async function fuelOfCalls(runtime: string, artifacts: string): Promise<FuelRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'paddock-determinism-'))
  const rows: FuelRow[] = []
  try {
    for (const [guest, events] of guests) {
      const sandbox = await started(runtime, guest, folder, artifacts)
      rows.push(await row(guest, 'init', sandbox.init()))
      for (let number = 1; number <= events; number += 1) {
        rows.push(await row(guest, `event ${number}`, sandbox.onBlock(number * 1_000)))
      }
      await sandbox.kill()
    }
    const endless = await started(runtime, 'endless-loop', folder, artifacts)
    await endless.init()
    rows.push(await row('endless-loop', 'event 1', endless.onBlock(1, { fuel: loopFuel })))
    await endless.kill()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return rows
}

async function started(
  runtime: string,
  guest: string,
  folder: string,
  artifacts: string,
): Promise<SandboxProcess> {
  const fixture = join(root, '.cache/fixtures', `${guest}.wasm`)
  const path = existsSync(fixture) ? fixture : join(root, 'modules', guest, 'module.wasm')
  const artifactDirectory = await artifactOf(path, artifacts)
  const sandbox = new SandboxProcess(runtime)
  const loaded = await sandbox.load({ artifactDirectory, storePath: join(folder, `${guest}.sqlite`) })
  if (!loaded.ok) throw new Error(`${guest} on ${runtime}: ${loaded.error.message}`)
  return sandbox
}

async function row(guest: string, call: string, reply: ReturnType<SandboxProcess['init']>): Promise<FuelRow> {
  const { outcome, usage } = await reply
  return { guest, call, status: statusOf(outcome), fuel: usage.fuel }
}

function statusOf(outcome: CallOutcome): string {
  return outcome.status === 'failed' ? outcome.error.code : outcome.status
}

/** How calls end on this runtime: by a trap, by the stack's end, and by want of fuel in a loop and in a recursion. */
export async function endingsOf(runtime: string, artifacts: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'paddock-endings-'))
  const endings: Record<string, string> = {}
  const cases: readonly (readonly [name: string, guest: string, options: { fuel?: number }])[] = [
    ['unreachable', 'trap', {}],
    ['the stack used up', 'deep-recursion', {}],
    ['fuel used up in a loop', 'endless-loop', { fuel: loopFuel }],
    ['fuel used up in a recursion', 'deep-recursion', { fuel: 1_000 }],
  ]
  try {
    for (const [name, guest, options] of cases) {
      const sandbox = await started(runtime, guest, folder, artifacts)
      await sandbox.init()
      endings[name] = statusOf((await sandbox.onBlock(1, options)).outcome)
      await sandbox.kill()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return endings
}
