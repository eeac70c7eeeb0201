/** Callers of a decider while its sandbox is killed: nothing may be lost, doubled or torn (issue 5). */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { eventStoreFile } from '../../src/event-store/store-file.ts'
import { SqliteEventReader } from '../../src/event-store/sqlite/sqlite-reader.ts'
import { startEngine, MovableClock, type TestEngine } from './engine.ts'
import { counter, order } from './deciders.ts'
import { deciderBundle } from './decider-bundles.ts'
import { statePaths } from '../../src/engine/state-directory.ts'

export interface LoadOptions {
  readonly commands: number
  readonly streams: number
  readonly callers: number
  readonly kills: number
  /** From 0 to below 1. */
  readonly random: () => number
}

export interface LoadReport {
  readonly decided: number
  readonly kills: number
  readonly duplicates: number
  /** Answers that were neither decided nor advice to ask again. */
  readonly others: readonly string[]
  /** What does not hold, in words. */
  readonly faults: readonly string[]
}

interface Acknowledged {
  readonly streamId: string
  readonly revisions: readonly number[]
  readonly ids: readonly string[]
}

/** Sends every command until it is decided, with its id; kills the sandbox at random moments of the work. */
export async function runDeciderLoad(options: LoadOptions): Promise<LoadReport> {
  const clock = new MovableClock()
  const test = await startEngine({ clock })
  await test.load(await deciderBundle(counter, 'counter', ['snapshot_floor = 5']))
  const acknowledged = new Map<string, Acknowledged>()
  const others: string[] = []
  let duplicates = 0
  let next = 0
  let working = true
  const caller = async (): Promise<void> => {
    for (let index = next++; index < options.commands; index = next++) {
      const commandId = randomUUID()
      const streamId = `s-${Math.floor(options.random() * options.streams)}`
      const payload = order(streamId, 1, { events: 1 + (index % 3) })
      for (;;) {
        const outcome = await test.engine.contracts.deciders.execute({
          type: 'counter.add',
          payload,
          commandId,
        })
        if (outcome.outcome === 'decided') {
          if (outcome.duplicate) duplicates += 1
          acknowledged.set(commandId, {
            streamId: outcome.streamId,
            revisions: outcome.events.map(({ revision }) => revision ?? 0),
            ids: outcome.events.map(({ id }) => id),
          })
          break
        }
        const { retry, error } = outcome.failure
        if (retry === 'no') {
          others.push(`${error.code}: ${error.message}`)
          break
        }
        // The sandbox is away: it comes again.
        await test.whenState('counter', 'running')
      }
    }
  }
  let kills = 0
  const killer = async (): Promise<void> => {
    const step = options.commands / (options.kills + 1)
    for (let due = step; due < options.commands && kills < options.kills; due += step) {
      const at = due - step * options.random() * 0.5
      while (working && acknowledged.size < at) await tick()
      if (!working) return
      const { run } = test.view('counter')
      // Ten minutes pass, so that kills far apart in commands are far apart in time as well.
      clock.skip(600_000)
      kills += killSandbox(test) ? 1 : 0
      await test.whenRun('counter', run + 1)
    }
  }
  const callers = Promise.all(Array.from({ length: options.callers }, caller)).finally(() => {
    working = false
  })
  await Promise.all([callers, killer()])
  await test.engine.modules.stop('counter')
  const faults = check(test.stateDir, acknowledged)
  return { decided: acknowledged.size, kills, duplicates, others, faults }
}

export interface MemoryReport {
  readonly decided: number
  /** Of the sandbox process, after equal shares of the commands. */
  readonly residentBytes: readonly number[]
}

/** Sends commands one batch after the other, and reads how much memory the sandbox process holds in between. */
export async function runDeciderMemory(options: {
  readonly commands: number
  readonly streams: number
  readonly samples: number
}): Promise<MemoryReport> {
  const test = await startEngine()
  await test.load(await deciderBundle(counter, 'counter', ['snapshot_floor = 5']))
  const residentBytes: number[] = []
  const share = options.commands / options.samples
  let [decided, next] = [0, 0]
  for (let sample = 1; sample <= options.samples; sample += 1) {
    const caller = async (): Promise<void> => {
      for (let index = next++; index < share * sample; index = next++) {
        const payload = order(`s-${index % options.streams}`, 1)
        const outcome = await test.engine.contracts.deciders.execute({ type: 'counter.add', payload })
        if (outcome.outcome === 'decided') decided += 1
      }
    }
    await Promise.all(Array.from({ length: 8 }, caller))
    next = share * sample
    residentBytes.push(await residentOf(test.view('counter').pid))
  }
  return { decided, residentBytes }
}

async function residentOf(pid: number | null): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

function killSandbox(test: TestEngine): boolean {
  const pid = test.view('counter').pid
  if (pid === null) return false
  process.kill(pid, 'SIGKILL')
  return true
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2))
}

/** Compares what was acknowledged with what the store holds. */
function check(stateDir: string, acknowledged: ReadonlyMap<string, Acknowledged>): string[] {
  const faults: string[] = []
  const store = SqliteEventReader.open(eventStoreFile(statePaths(stateDir).stores, counter.name))
  try {
    const report = store.integrityCheck()
    faults.push(...report.problems.map(({ invariant, detail }) => `${invariant}: ${detail}`))
    const found = new Map<string, string>()
    let after = 0
    for (;;) {
      const page = store.feed(after, {}, 1_000)
      for (const event of page.events) {
        if (event.position <= after) faults.push(`position ${event.position} after ${after}`)
        after = event.position
        if (found.has(event.id)) faults.push(`event ${event.id} is there twice`)
        found.set(event.id, `${event.streamId} ${event.revision}`)
      }
      if (page.events.length === 0) break
      after = Math.max(after, page.next)
    }
    let events = 0
    for (const { streamId, revisions, ids } of acknowledged.values()) {
      events += ids.length
      for (const [index, id] of ids.entries()) {
        if (found.get(id) !== `${streamId} ${revisions[index]}`)
          faults.push(`event ${id} is lost or elsewhere`)
      }
    }
    if (found.size !== events) faults.push(`${found.size} events are stored, ${events} were acknowledged`)
  } finally {
    store.close()
  }
  return faults
}
