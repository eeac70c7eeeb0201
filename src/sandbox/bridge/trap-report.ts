/** What ended a guest call, as the operator reads it. */
import { PaddockError, type ErrorReport } from '../../shared/errors.ts'

/** A module this close to its memory limit failed for want of memory, in bytes. */
const memoryMargin = 2 * 1024 * 1024
const maxFrames = 8
const maxMessage = 2_000

export interface MemoryState {
  readonly bytes: number
  readonly limitBytes: number
}

/** Anything thrown out of a guest call as a report: typed, readable, free of paths of the host. */
export function trapReport(thrown: unknown, memory: MemoryState): ErrorReport {
  const typed = thrown instanceof PaddockError ? thrown : undefined
  if (typed !== undefined && typed.code !== 'sandbox.trap' && typed.code !== 'sandbox.instantiate_failed') {
    return typed.toReport()
  }
  const cause = rootCause(thrown)
  if (isAllocationFailure(cause)) return outOfMemory(memory)
  if (memory.bytes > 0 && memory.bytes + memoryMargin > memory.limitBytes && isUnreachable(cause)) {
    return outOfMemory(memory)
  }
  const reason = isStackOverflow(cause) ? 'the guest used up its call stack' : messageOf(typed ?? thrown)
  const frames = guestFrames(cause)
  const where = frames.length === 0 ? '' : ` (in ${frames.join(' < ')})`
  const code = typed?.code ?? 'sandbox.trap'
  // What never began to run cannot trap: the reason stands for itself.
  const what = code === 'sandbox.trap' ? 'The guest trapped: ' : ''
  return new PaddockError(code, `${what}${reason}${where}`.slice(0, maxMessage)).toReport()
}

function outOfMemory(memory: MemoryState): ErrorReport {
  return new PaddockError(
    'sandbox.out_of_memory',
    `The guest ran out of memory: it holds ${memory.bytes} of ${memory.limitBytes} bytes.`,
    { details: { bytes: memory.bytes, limitBytes: memory.limitBytes } },
  ).toReport()
}

function rootCause(thrown: unknown): unknown {
  let cause = thrown
  while (cause instanceof PaddockError && cause.cause !== undefined) cause = cause.cause
  return cause
}

/** Whether something thrown, or what caused it, is the end of the call stack. */
export function isStackOverflow(thrown: unknown): boolean {
  const cause = rootCause(thrown)
  return cause instanceof RangeError && cause.message.startsWith('Maximum call stack')
}

function isAllocationFailure(error: unknown): boolean {
  return error instanceof RangeError && /could not allocate memory|out of memory/i.test(error.message)
}

function isUnreachable(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError && error.message === 'unreachable'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? withoutPaths(error.message) : 'it threw an exception of its own'
}

function withoutPaths(text: string): string {
  return text.replaceAll(/(?:file:\/\/)?(?:\/|[A-Za-z]:\\)[^\s'"()]*[\\/][^\s'"()]*/g, '…')
}

/** Names of the wasm functions on the stack, innermost first; frames of the host are left out. */
function guestFrames(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return []
  const frames: string[] = []
  for (const line of error.stack.split('\n')) {
    const frame = /^\s+at (?:(\S+) \()?wasm:\/\/.*?wasm-function\[(\d+)\]/.exec(line)
    if (frame === null) continue
    const name = frame[1]?.replace(/^.*\.(?=[^.]+$)/, '') ?? `function ${frame[2] ?? '?'}`
    if (frames.at(-1) !== name) frames.push(name.slice(0, 120))
    if (frames.length === maxFrames) break
  }
  return frames
}
