/** How an instance is stopped: grace, then a fixed order of steps of which none skips the next (spec actors-sql 11.4, 11.5, 16.8). */
import type { ActorOperation } from '../../../../shared/contracts/actor.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { ActorControl } from './actor-control.ts'
import { guestFault } from './faults.ts'
import type { ActorInstance } from './instance.ts'
import { finalised, type StopCommand } from './instance-state.ts'

/** Least time for closing the file once nothing runs, in milliseconds. */
const leastCloseMs = 1_000

/** Answers whether everything ended in time; whatever happened, nothing of the instance is left. */
export async function stopInstance(
  actor: ActorControl,
  instance: ActorInstance,
  command: StopCommand,
): Promise<boolean> {
  const { context } = actor
  const { clock, config, figures } = context
  context.figures.drains += 1
  // New work is held for the next generation from here on; what had not begun is told at once.
  instance.gateOpen = false
  actor.queue.closeAdmitted()
  await grace(actor, instance, command)
  instance.state = finalised(instance.state)
  const deadlineMs = clock.monotonicMs() + config.closeMs
  let joined = true
  const steps: readonly (readonly [string, () => Promise<void> | void])[] = [
    ['state saved', () => (actor.record === undefined ? undefined : context.directory.put(actor.record))],
    ['events closed', () => actor.queue.closeAdmitted()],
    [
      'work joined',
      async () => {
        joined = await instance.inFlight.waitZero(deadlineMs, clock)
        if (joined) return
        figures.drainTimeouts += 1
        actor.abandonCurrent()
      },
    ],
    [
      'database closed',
      async () => {
        if (!joined || instance.isGone) return
        const leftMs = Math.max(leastCloseMs, deadlineMs - clock.monotonicMs())
        const { answer } = await instance.call('close', {}, leftMs)
        if (answer.status === 'refused') throw PaddockError.fromReport(answer.error)
      },
    ],
    ['thread ended', () => instance.end()],
    ['owner retired', () => context.owner?.retire(actor.id, instance.generation)],
  ]
  for (const [name, step] of steps) {
    try {
      await step()
      context.log('debug', 'actor_stop', `Actor ${actor.id}, generation ${instance.generation}: ${name}`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const code = error instanceof PaddockError ? error.code : undefined
      context.log('warn', 'actor_stop', `Actor ${actor.id}: ${name} failed: ${reason}`, code)
    }
  }
  instance.state = 'terminated'
  return joined
}

/** `on-sleep` or `on-stop` within the time they have together; SQL works meanwhile. */
async function grace(actor: ActorControl, instance: ActorInstance, command: StopCommand): Promise<void> {
  const { clock, config } = actor.context
  const endMs = clock.monotonicMs() + config.graceMs
  const left = (): number => Math.max(1, endMs - clock.monotonicMs())
  if (command === 'sleep') await handler(actor, instance, 'sleep', left())
  // A destroy that came meanwhile has its own word to say to the guest.
  if (command === 'stop') await handler(actor, instance, 'host-shutdown', left())
  if (instance.state === 'destroy-grace') await handler(actor, instance, 'destroyed', left())
}

async function handler(
  actor: ActorControl,
  instance: ActorInstance,
  what: 'sleep' | 'host-shutdown' | 'destroyed',
  withinMs: number,
): Promise<void> {
  const { clock, log } = actor.context
  if (instance.isGone) return
  const name: ActorOperation = what === 'sleep' ? 'sleep' : 'stop'
  const abort = new AbortController()
  let cancel: () => void = () => undefined
  const late = new Promise<'late'>((resolve) => {
    cancel = clock.after(withinMs, () => resolve('late'))
  })
  try {
    const call =
      what === 'sleep'
        ? instance.call('sleep', {}, withinMs, abort.signal)
        : instance.call('stop', { cause: what }, withinMs, abort.signal)
    call.catch(() => undefined)
    const called = await Promise.race([call, late])
    if (called === 'late') {
      abort.abort()
      log('warn', 'actor_stop', `Actor ${actor.id}: on-${name} did not end within its grace.`)
      return
    }
    const { answer } = called
    if (answer.status === 'refused') throw PaddockError.fromReport(answer.error)
    if (answer.status === 'guest-error') throw guestFault(answer.error)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    log('warn', 'actor_stop', `Actor ${actor.id}: on-${name} failed: ${reason}`)
  } finally {
    cancel()
  }
}
