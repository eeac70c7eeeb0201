import { say } from './progress.mjs'

/** Thrown by a task that cannot begin: neither good nor a failure of its own. */
export class NotRun extends Error {}

/**
 * Runs tasks, at most `limit` at once, each after those it `needs`. A task whose need failed is not run.
 * Resolves with one `{ name, outcome: 'ok' | 'failed' | 'not run', seconds, value, error }` for each, in their order.
 */
export async function runTasks(tasks, limit) {
  const done = new Map()
  const waiting = [...tasks]
  const running = new Set()
  while (waiting.length > 0 || running.size > 0) {
    for (const task of [...waiting]) {
      const needs = (task.needs ?? []).filter((name) => tasks.some((other) => other.name === name))
      const failed = needs.find((name) => done.has(name) && done.get(name).outcome !== 'ok')
      if (failed !== undefined) {
        waiting.splice(waiting.indexOf(task), 1)
        done.set(task.name, { name: task.name, outcome: 'not run', seconds: 0, error: `needs ${failed}` })
      } else if (running.size < limit && needs.every((name) => done.has(name))) {
        waiting.splice(waiting.indexOf(task), 1)
        const run = perform(task).then((result) => done.set(task.name, result))
        running.add(run)
        void run.finally(() => running.delete(run))
      }
    }
    if (running.size > 0) await Promise.race(running)
  }
  return tasks.map(({ name }) => done.get(name))
}

async function perform({ name, run }) {
  const began = performance.now()
  const ended = () => (performance.now() - began) / 1000
  try {
    const value = await run()
    say(`${name}: ok in ${ended().toFixed(1)} s`)
    return { name, outcome: 'ok', seconds: ended(), value }
  } catch (error) {
    if (error instanceof NotRun) {
      say(`${name}: not run, ${error.message}`)
      return { name, outcome: 'not run', seconds: 0, error }
    }
    say(`${name}: FAILED after ${ended().toFixed(1)} s`)
    return { name, outcome: 'failed', seconds: ended(), error, value: error.value }
  }
}
