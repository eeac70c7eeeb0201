/** Processes as the system sees them (Linux). */
import { readdir, readFile } from 'node:fs/promises'
import { isAlive } from '../support/engine.ts'
import { eventually } from './fault.ts'

/** The processes that a process started, and those that they started. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const found: number[] = []
  for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
    const text = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')
    for (const child of text.split(' ').filter(Boolean).map(Number))
      found.push(child, ...(await descendantsOf(child)))
  }
  return found
}

/** Those of them whose command line has this text. */
export async function descendantsRunning(pid: number, text: string): Promise<number[]> {
  const found: number[] = []
  for (const each of await descendantsOf(pid)) {
    const command = await readFile(`/proc/${each}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(text)) found.push(each)
  }
  return found
}

/** Resident bytes of a process; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  return Number(text.split(' ')[1] ?? 0) * 4_096
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false
  }
}

/** Whether it runs: a zombie does not. */
async function runs(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return status !== '' && !/\) Z /.test(status)
}

export async function allGone(pids: readonly number[], what: string): Promise<void> {
  for (const pid of pids) await eventually(`${what} (process ${pid}) is gone`, async () => !(await runs(pid)))
}
