// How a stage says that it failed. The flow's error policy decides by the case what becomes of the element.
import type { ProcessError } from 'torvyn:streaming/types@0.1.0'
import { wellFormed } from '../guest/text.ts'

/** Thrown by `fail`: it leaves the stage as the error of this case. */
export class StageFailure extends Error {
  readonly error: ProcessError

  constructor(error: ProcessError) {
    super('val' in error ? error.val : error.tag)
    this.name = 'StageFailure'
    this.error = error
  }
}

interface Fail {
  /** The element is wrong, and will be the next time. */
  invalidInput(message: string): never
  /** Something is not there now; a source that says so is asked again. */
  unavailable(message: string): never
  internal(message: string): never
  deadlineExceeded(): never
  /** The flow must not go on, whatever its policy. */
  fatal(message: string): never
}

function failing(tag: 'invalid-input' | 'unavailable' | 'internal' | 'fatal') {
  return (message: string): never => {
    throw new StageFailure({ tag, val: wellFormed(message) })
  }
}

export const fail: Fail = {
  invalidInput: failing('invalid-input'),
  unavailable: failing('unavailable'),
  internal: failing('internal'),
  deadlineExceeded: () => {
    throw new StageFailure({ tag: 'deadline-exceeded' })
  },
  fatal: failing('fatal'),
}

/** What may cross the boundary in place of `thrown`: anything that is no error of the contract would end the stage. */
export function processErrorOf(thrown: unknown): ProcessError {
  if (thrown instanceof StageFailure) return thrown.error
  if (isProcessError(thrown)) return 'val' in thrown ? { ...thrown, val: wellFormed(thrown.val) } : thrown
  return { tag: 'internal', val: wellFormed(describe(thrown)) }
}

const casesWithText: readonly unknown[] = ['invalid-input', 'unavailable', 'internal', 'fatal']

/** Errors of the contract as they are thrown without this library. */
function isProcessError(thrown: unknown): thrown is ProcessError {
  if (typeof thrown !== 'object' || thrown === null || !('tag' in thrown)) return false
  if (thrown.tag === 'deadline-exceeded') return true
  return casesWithText.includes(thrown.tag) && 'val' in thrown && typeof thrown.val === 'string'
}

export function describe(thrown: unknown): string {
  if (thrown instanceof Error && !('payload' in thrown)) return `${thrown.name}: ${thrown.message}`
  const payload =
    typeof thrown === 'object' && thrown !== null && 'payload' in thrown ? thrown.payload : thrown
  if (typeof payload === 'string') return payload
  // Errors of the host: `{ tag: 'allocation-failed', val: 'budget' }`.
  if (typeof payload === 'object' && payload !== null && 'tag' in payload) {
    const { tag, val } = payload as { tag: unknown; val?: unknown }
    return typeof val === 'string' ? `${String(tag)}: ${val}` : String(tag)
  }
  const json: unknown = JSON.stringify(payload)
  return typeof json === 'string' ? json : String(payload)
}
