/** Files that are damaged, gone or cannot be written, and a compiler that is killed. */
import { execFile } from 'node:child_process'
import { mkdir, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Arena } from './arena.ts'
import { eventually, mustEqual, mustHold, type Fault } from './fault.ts'
import { descendantsRunning, signal } from './processes.ts'
import { mustBeAtBoundary, mustHoldEachOnce } from './store-file.ts'

const run = promisify(execFile)
const victim = 'victim'
const companions = ['', '-wal', '-shm']

async function purgeVictim(arena: Arena): Promise<void> {
  await arena.purge(victim)
}

/** It runs and handles the next block. */
async function mustWork(arena: Arena): Promise<void> {
  await arena.test.whenState(victim, 'running')
  await arena.mine(1)
  await arena.test.whenCommitted(victim, arena.head)
}

let compiled = 0

async function killCompiler(arena: Arena): Promise<void> {
  // Other limits make another artifact, which cannot be in the cache yet.
  compiled += 1
  const loading = arena.load('counter', {
    name: victim,
    limits: { memory_bytes: 16 * 1024 * 1024 + compiled * 65_536 },
  })
  const outcome = loading.then(
    () => 'loaded',
    () => 'refused',
  )
  // It is tried again by itself once: a second kill makes the load fail.
  const kills = arena.random.whole(1, 2)
  for (let kill = 0; kill < kills; kill += 1) {
    let [pid] = await descendantsRunning(process.pid, 'compiler.cjs')
    await Promise.race([
      outcome,
      eventually('the compiler runs', async () => {
        ;[pid] = await descendantsRunning(process.pid, 'compiler.cjs')
        return pid !== undefined
      }),
    ])
    await arena.random.moment(150)
    if (pid !== undefined) signal(pid, 'SIGKILL')
  }
  await outcome
  await arena.checkArtifacts()
  const { modules } = arena.test.engine
  if (!modules.views().some(({ name }) => name === victim)) await arena.load('counter', { name: victim })
  if (arena.test.state(victim) !== 'running') await modules.start(victim)
  await mustWork(arena)
  await arena.checkArtifacts()
  await arena.purge(victim)
}

async function damageArtifact(arena: Arena, trial: number): Promise<void> {
  const { random, test } = arena
  await arena.load('counter', { name: victim, limits: { memory_bytes: 8 * 1024 * 1024 } })
  await test.engine.modules.stop(victim)
  // All of them, whichever is the victim's: running sandboxes have read theirs.
  for (const key of await arena.artifactFolders()) {
    const folder = join(test.stateDir, 'artifacts', key)
    const file = join(folder, random.pick(await readdir(folder)))
    const { size } = await stat(file)
    const ways = ['truncated', 'altered', 'gone', 'longer'] as const
    switch (ways[trial % ways.length]) {
      case 'truncated':
        await truncate(file, random.whole(0, Math.max(0, size - 1)))
        break
      case 'altered': {
        const handle = await open(file, 'r+')
        const at = random.whole(0, Math.max(0, size - 1))
        const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at)
        await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 0x20]), 0, 1, at)
        await handle.close()
        break
      }
      case 'gone':
        await rm(file)
        break
      default:
        await writeFile(file, 'x', { flag: 'a' })
    }
  }
  await test.engine.modules.start(victim)
  await mustWork(arena)
  mustEqual(test.view(victim).lastError, null, 'the failure of a load from a damaged cache')
  await arena.purge(victim)
  // What nobody has asked for since is damaged still; looking removes it, as the next load would.
  await arena.checkArtifacts().catch(() => undefined)
  await arena.checkArtifacts()
}

async function damageStore(arena: Arena, trial: number): Promise<void> {
  const { random, test } = arena
  await arena.load('ledger', { name: victim, config: { entries: 20 } })
  await mustWork(arena)
  await mustWork(arena)
  await test.engine.modules.stop(victim)
  const file = arena.storeFile(victim)
  const ways = ['deleted', 'truncated', 'emptied', 'overwritten'] as const
  const way = ways[trial % ways.length]!
  switch (way) {
    case 'deleted':
      for (const companion of companions) await rm(file + companion, { force: true })
      break
    case 'truncated':
      // By a page at least: SQLite reads a last page that lacks its end as if that were zeros.
      await truncate(file, random.whole(1, (await stat(file)).size - 4_096))
      break
    case 'emptied':
      await truncate(file, 0)
      break
    case 'overwritten':
      await writeFile(file, Buffer.from(Array.from({ length: 8_192 }, () => random.whole(0, 255))))
      break
  }
  const first = arena.head + 1
  await test.engine.modules.start(victim)
  await mustWork(arena)
  mustHoldEachOnce(file, `${victim}, its store ${way},`, first, arena.head)
  if (way === 'truncated' || way === 'overwritten') {
    const kept = (await readdir(dirname(file))).filter((name) =>
      name.startsWith(`${basename(file)}.corrupt-`),
    )
    mustEqual(kept.length, 1, 'damaged stores that were kept aside')
    await rm(join(dirname(file), kept[0]!))
  }
  await arena.purge(victim)
}

let smallDisk = ''

async function mountSmallDisk(arena: Arena): Promise<void> {
  smallDisk = join(arena.folder, 'small-disk')
  await mkdir(smallDisk, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'paddock-faults', smallDisk])
  const file = arena.storeFile(victim)
  await symlink(join(smallDisk, basename(file)), file)
  await arena.load('ledger', { name: victim, config: { entries: 200 } })
  await mustWork(arena)
}

async function fillDisk(arena: Arena): Promise<void> {
  const { test, random } = arena
  const filler = join(smallDisk, 'filler')
  const file = join(smallDisk, basename(arena.storeFile(victim)))
  await test.whenCommitted(victim, arena.head)
  // A new run begins its write-ahead log anew: the next commit needs room.
  await test.engine.modules.restart(victim)
  const before = mustBeAtBoundary(file, victim).blocks.length
  // Everything that is free but some pages, so that the disk is full at another place of the commit each time.
  const { stdout } = await run('df', ['--output=avail', '-B1', smallDisk])
  const free = Number(stdout.split('\n')[1]) - random.whole(0, 60) * 4_096
  await writeFile(filler, Buffer.alloc(Math.max(0, free)))
  const { run: runBefore } = test.view(victim)
  await arena.mine(1)
  const block = arena.head
  const dispatch = () =>
    test.dispatches.find((each) => each.module === victim && each.dispatch.blockNumber === block)?.dispatch
  await test.when('the event is over', () => dispatch() !== undefined)
  await rm(filler)
  const code = dispatch()?.error?.code ?? dispatch()?.result
  mustHold(code === 'store.full', `the event on a full disk ended as ${code}`)
  await test.whenRun(victim, runBefore + 1)
  await mustWork(arena)
  mustEqual(mustBeAtBoundary(file, victim).blocks.length, before + 1, 'blocks handled')
  arena.forgive()
}

async function canMount(): Promise<string | null> {
  if (process.platform !== 'linux') return 'a small disk can be mounted on Linux only'
  if (process.getuid?.() !== 0) return 'mounting a small disk needs root'
  const text = await readFile('/proc/self/status', 'utf8')
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(text)?.[1] ?? '0'}`)
  return (capabilities >> 21n) & 1n ? null : 'mounting a small disk is not permitted here'
}

export const fileFaults: readonly Fault[] = [
  {
    name: 'compiler killed with -9',
    how: 'SIGKILL once or twice at a random moment while an artifact is made',
    times: { short: 3, long: 40 },
    survives: 'the cache holds whole artifacts only, the module loads, at the latest when told again',
    provoke: killCompiler,
    tidy: purgeVictim,
  },
  {
    name: 'artifact damaged in the cache',
    how: 'a file of each artifact truncated, altered, removed or made longer',
    times: { short: 4, long: 40 },
    survives: 'it is made anew and the module runs at the first try',
    provoke: damageArtifact,
    tidy: purgeVictim,
  },
  {
    name: 'store file lost or damaged',
    how: 'deleted, truncated, emptied or overwritten between two runs',
    times: { short: 4, long: 40 },
    survives: 'an empty store takes its place, what was damaged is kept aside, blocks go on',
    provoke: damageStore,
    tidy: purgeVictim,
  },
  {
    name: 'disk full while committing',
    how: 'the store on a disk of 8 MiB, filled before an event that writes 800 KiB',
    times: { short: 2, long: 20 },
    survives: 'the event fails as store.full, the store at an event boundary; with room again it goes on',
    impossible: canMount,
    prepare: mountSmallDisk,
    provoke: fillDisk,
    tidy: async (arena) => {
      await arena.purge(victim)
      await run('umount', ['-l', smallDisk])
    },
  },
]
