/**
 * Why a sandbox ended, in one class and one sentence. Two facts are joined: what the platform reports of
 * the process (exit code, signal, its own class) and why we killed it, when we did; ours wins, since a
 * process that we killed only ever shows our SIGKILL (style 4).
 */
import { endClassSchema, type EndClass } from '../../shared/domain/module.ts'
import { PaddockError, type ErrorCode, type ErrorReport } from '../../shared/errors.ts'
import type { ProcessExit } from './launcher.ts'

/** What our own reasons to kill a process say about its end; every other reason is a plain kill. */
const classByCode: Partial<Record<ErrorCode, EndClass>> = {
  'sandbox.start_timeout': 'start-timeout',
  'sandbox.out_of_memory': 'oom',
  'sandbox.launch_failed': 'launch-failed',
}

/** The class of an end. Pure. */
export function classifyEnd(exit: ProcessExit, killReason: ErrorReport | null): EndClass {
  if (killReason === null) return exit.class
  return classByCode[killReason.code] ?? 'killed'
}

/**
 * The end as one report for operator and log: our own reason where we killed it, else what the platform
 * tells, in words. `details` carry `class`, `exitCode` and `signal`. Pure.
 */
export function describeEnd(exit: ProcessExit, killReason: ErrorReport | null): ErrorReport {
  const report = killReason ?? describeExit(exit).toReport()
  const facts = { class: classifyEnd(exit, killReason), exitCode: exit.code, signal: exit.signal }
  return { ...report, details: { ...report.details, ...facts } }
}

function describeExit(exit: ProcessExit): PaddockError {
  const how = exit.signal ?? (exit.code === null ? 'no exit code' : `exit code ${exit.code}`)
  switch (exit.class) {
    case 'launch-failed':
      return new PaddockError('sandbox.launch_failed', 'The sandbox process could not be started.')
    case 'oom':
      return new PaddockError('sandbox.out_of_memory', `The sandbox process ran out of memory (${how}).`)
    case 'killed':
      return new PaddockError('sandbox.exited', `The sandbox process was killed from outside (${how}).`)
    case 'crash':
      return new PaddockError('sandbox.exited', `The sandbox process crashed (${how}).`)
    case 'error':
      return new PaddockError('sandbox.exited', `The sandbox process gave up by itself (${how}).`)
    case 'clean':
      return new PaddockError('sandbox.exited', 'The sandbox process ended by itself without being asked to.')
  }
}

/** Failures that the process outlives: the guest's own fault, or the engine's doing. */
const classOfFault: Partial<Record<ErrorCode, EndClass>> = {
  ...classByCode,
  'sandbox.unresponsive': 'killed',
  'sandbox.protocol': 'killed',
  'sandbox.deadline': 'killed',
  'sandbox.cancelled': 'killed',
  'sandbox.stopped': 'killed',
  'sandbox.exited': 'crash',
}

/** The class of any reported failure of a module, for instance of a trap that the process survived. Pure. */
export function endClassOf(report: ErrorReport): EndClass {
  const given = endClassSchema.safeParse(report.details?.['class'])
  return given.success ? given.data : (classOfFault[report.code] ?? 'error')
}
