/**
 * Worker thread that scans. Scans take turns, so that ten megabytes of one call do not hold up the log lines of another.
 */
import { parentPort, type MessagePort, type Transferable } from 'node:worker_threads'
import { ExactScanner } from './exact/exact-scan.ts'
import type { Paused } from './jobs/inspect.ts'
import { checkRequest, redactResponse, redactText, scrub } from './jobs/jobs.ts'
import { scanOutput } from './jobs/output.ts'
import type { ScanJob, ScanReply, ScanRequest, ScanResults } from './protocol.ts'

type Result = ScanResults[keyof ScanResults]

interface Turn {
  readonly id: number
  readonly steps: Paused<Result>
  readonly exact: ExactScanner
}

function stepsOf(job: ScanJob, exact: ExactScanner): Paused<Result> {
  switch (job.kind) {
    case 'request':
      return checkRequest(job.parts, exact)
    case 'response':
      return redactResponse(job.response, exact)
    case 'output':
      return scanOutput(job.text, exact)
    case 'text':
      return redactText(job.text, exact)
    case 'scrub':
      return scrub(job.texts, job.options, exact)
  }
}

function serve(port: MessagePort): void {
  const turns: Turn[] = []
  const answer = (turn: Turn, reply: ScanReply): void => {
    turn.exact.overwrite()
    port.postMessage(reply, reply.ok ? ownBuffers(reply.result) : [])
  }
  const takeTurn = (): void => {
    const turn = turns.shift()
    if (turn === undefined) return
    try {
      const step = turn.steps.next()
      if (step.done === true) answer(turn, { id: turn.id, ok: true, result: step.value })
      else turns.push(turn)
    } catch {
      answer(turn, { id: turn.id, ok: false })
    }
    // Between two turns, so that new scans are heard of.
    if (turns.length > 0) setImmediate(takeTurn)
  }
  port.on('message', ({ id, job, secrets }: ScanRequest) => {
    const exact = new ExactScanner(secrets)
    turns.push({ id, exact, steps: stepsOf(job, exact) })
    if (turns.length === 1) setImmediate(takeTurn)
  })
}

/** What goes back without a copy. */
function ownBuffers(result: Result): Transferable[] {
  if (!('kind' in result) || result.kind !== 'passed' || !('body' in result)) return []
  const { buffer, byteLength } = result.body
  // Small buffers are parts of one that Node shares among many.
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []
}

function run(): void {
  if (parentPort === null) throw new Error('scan-thread must run as a worker')
  serve(parentPort)
}

run()
