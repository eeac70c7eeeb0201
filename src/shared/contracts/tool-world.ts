/** The world of tools by its names (spec tools 1). */

export const toolPackage = 'near:agent'
export const toolVersion = '0.4.1'
export const toolHostInterface = `${toolPackage}/host@${toolVersion}`
export const toolInterface = `${toolPackage}/tool@${toolVersion}`

/** Interfaces of WASI 0.2 that tools may import, without versions. */
export const closedWasiInterfaces = [
  'wasi:cli/environment',
  'wasi:cli/exit',
  'wasi:cli/stdin',
  'wasi:cli/stdout',
  'wasi:cli/stderr',
  'wasi:cli/terminal-input',
  'wasi:cli/terminal-output',
  'wasi:cli/terminal-stdin',
  'wasi:cli/terminal-stdout',
  'wasi:cli/terminal-stderr',
  'wasi:clocks/monotonic-clock',
  'wasi:clocks/wall-clock',
  'wasi:io/error',
  'wasi:io/poll',
  'wasi:io/streams',
  'wasi:random/random',
  'wasi:random/insecure',
  'wasi:random/insecure-seed',
  'wasi:filesystem/types',
  'wasi:filesystem/preopens',
] as const
