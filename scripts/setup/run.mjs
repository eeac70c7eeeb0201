import { spawn } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { node, root } from './paths.mjs'

/** A failure whose message is all that the user needs; printed without a stack. */
export class SetupError extends Error {}

/** The environment for tools: Node 26 first on the PATH. */
export function toolEnvironment(extra = {}) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`, ...extra }
}

/**
 * Runs a command to its end and resolves with `{ code, output }`; never rejects.
 * Output is collected, and handed to `onOutput` as it comes. `timeoutMs` kills the command.
 */
export function capture(command, args, { cwd = root, env = process.env, timeoutMs, onOutput } = {}) {
  return new Promise((settle) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
    let output = ''
    const collect = (chunk) => {
      output += chunk
      onOutput?.(String(chunk))
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => settle({ code: 127, output: `${output}${error.message}\n` }))
    child.on('close', (code, signal) => settle({ code: code ?? (signal === null ? 1 : 128), output }))
  })
}

/** Like `capture`, but throws a SetupError with the end of the output when the command fails. */
export async function mustRun(what, command, args, options) {
  const { code, output } = await capture(command, args, options)
  if (code === 0) return output
  const tail = output.trimEnd().split('\n').slice(-30).join('\n')
  throw new SetupError(`${what} failed (exit ${code}).\n${tail}`)
}
