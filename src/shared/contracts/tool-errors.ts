/** Every way a tool, its broker or the store of secrets can fail, with what the operator can do (spec tools 7). */
export const toolErrorRemedies = {
  'tool.unknown_operation': 'Choose an operation from the list of tools, or start the tool that has it.',
  'tool.unknown': 'Choose a tool from the list.',
  'tool.duplicate_operation': 'Remove one of the two tools, or rename the operation in its declaration.',
  'tool.not_ready': 'Start the tool, or wait until it is prepared.',
  'tool.stopping': 'Start Paddock again; nothing is taken while it stops.',
  'tool.quarantined': 'Install the tool again; its component killed the processes it ran in.',
  'tool.invalid_schema': 'Tell the author: the schema of a tool must be one JSON object of at most 256 KiB.',
  'tool.unsupported_contract': 'Build the component against near:agent@0.4.1.',
  'tool.no_memory': 'Try again in a moment; no memory for another instance was left.',
  'tool.exit': 'The tool ended itself instead of answering; tell its author.',
  'tool.unauthorized':
    'Send the token of this machine: Authorization: Bearer, and what the token file holds.',
  'tool.invalid_request': 'Send what the address takes.',
  'tool.server_lost': 'Switch the server of tools off and on again.',
  'tool.input_too_large': 'Send smaller parameters.',
  'tool.broker_lost': 'Try again in a moment; the process that reaches the outside for tools was lost.',
} as const
