import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

/** Integration tests start the built scripts of out/: brings them up to date first, once per run. */
export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, [resolve(import.meta.dirname, '../scripts/build.mjs')])
}
