/** What went wrong with a stage, in words (spec flows 9.4). */
import type { FlowFailure } from '../../../../../shared/contracts/flow.ts'
import { PaddockError, type ErrorCode } from '../../../../../shared/errors.ts'
import type { StageFault } from '../../stages/stage.ts'

const maxMessage = 512

/** What a producer is told whose queue of policy `error` is full (spec flows 6.3). */
export const queueFull: StageFault = { case: 'unavailable', message: 'queue full', trap: null }

/** A message of a guest, without control characters and cut at 512 characters. */
export function cleanMessage(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, maxMessage)
}

/** `Stage "N" failed on element 42: invalid-input: …`, or how it trapped. */
export function faultText(node: string, call: string, sequence: number | null, fault: StageFault): string {
  if (fault.trap !== null && fault.case !== 'deadline-exceeded')
    return `Stage "${node}" trapped in ${call}: ${cleanMessage(fault.trap)}`
  const where = sequence === null ? `in ${call}` : `on element ${sequence}`
  const message = cleanMessage(fault.message)
  // `deadline-exceeded` comes without words.
  return `Stage "${node}" failed ${where}: ${fault.case}${message === '' ? '' : `: ${message}`}`
}

/** The same as the failure of a flow. */
export function faultFailure(
  node: string,
  call: string,
  sequence: number | null,
  fault: StageFault,
  dead: boolean,
): FlowFailure {
  return {
    node,
    function: call,
    sequence,
    case: fault.case,
    error: new PaddockError(codeOf(fault, dead), faultText(node, call, sequence, fault), {
      details: {
        node,
        function: call,
        case: fault.case,
        ...(fault.trap === null ? {} : { trap: fault.trap }),
      },
    }).toReport(),
  }
}

function codeOf(fault: StageFault, dead: boolean): ErrorCode {
  if (fault.case === 'deadline-exceeded') return dead ? 'stage.out_of_fuel' : 'stage.timeout'
  return dead ? 'stage.trap' : 'stage.failed'
}
