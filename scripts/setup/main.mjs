import { SetupError } from './run.mjs'

/** Runs a command's body; a failure the user can act on is printed as its message alone, with exit code 1. */
export async function main(work) {
  try {
    await work()
  } catch (error) {
    process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`)
    process.exitCode = 1
  }
}
