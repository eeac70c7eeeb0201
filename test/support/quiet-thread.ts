import type { Mailbox, StatementMarks, StepMarks } from '../../src/sandbox/programs/guest-program.ts'

/** For a program that runs in the test's own thread: nobody watches its statements, and no engine writes to it. */
export const quietThread: {
  readonly statements: StatementMarks
  readonly steps: StepMarks
  readonly mail: Mailbox
} = {
  statements: { begin: () => undefined, end: () => undefined },
  steps: { name: () => undefined, begin: () => undefined, end: () => undefined },
  mail: {
    hasNews: false,
    stopping: false,
    take: () => [],
    sleep: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
    send: () => undefined,
  },
}
