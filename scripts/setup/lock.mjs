import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cache } from './paths.mjs'

/** Runs `work` while no other process of this project holds the same lock; a dead holder's lock is taken over. */
export async function withLock(name, work) {
  const folder = join(cache, `${name}.lock`)
  await mkdir(cache, { recursive: true })
  while (!(await acquire(folder))) await delay(100)
  try {
    return await work()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function acquire(folder) {
  const owner = join(folder, 'pid')
  try {
    await mkdir(folder)
    await writeFile(owner, String(process.pid))
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  // A holder that died before it wrote its id leaves an empty folder; give a live one time to write.
  const pid = await readFile(owner, 'utf8').catch(() =>
    delay(500).then(() => readFile(owner, 'utf8').catch(() => '')),
  )
  if (!isAlive(Number(pid))) await rm(folder, { recursive: true, force: true })
  return false
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
