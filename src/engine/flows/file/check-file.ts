import { PaddockError } from '../../../shared/errors.ts'
import type { CheckFileOptions, FlowFileCheck } from './model.ts'

/** Judges the text of a flow file as if it stood at `path` (absolute). Pure; throws nothing whatever the text. */
export function checkFlowFile(path: string, text: string, options: CheckFileOptions = {}): FlowFileCheck {
  throw new PaddockError('internal.bug', `Not there yet: ${path} ${text.length} ${String(options.strict)}`)
}
