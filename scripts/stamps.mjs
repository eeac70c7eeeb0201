import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

async function listFiles(path) {
  const info = await stat(path)
  if (!info.isDirectory()) return [path]
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/**
 * Digest of the names and contents of files and folders, in an order that does not depend on the disk.
 *
 * @param {string} root folder the names are relative to
 * @param {string[]} paths files and folders
 */
export async function digestOf(root, paths) {
  const files = [...new Set((await Promise.all(paths.map(listFiles))).flat())].sort()
  const hash = createHash('sha256')
  for (const file of files) {
    const bytes = await readFile(file)
    hash.update(`${relative(root, file)}\0${bytes.byteLength}\0`).update(bytes)
  }
  return hash.digest('hex')
}

async function readOptional(file) {
  try {
    return await readFile(file)
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Runs a build step only if its inputs changed, or its result is no longer what the step last wrote.
 *
 * @param {{ stamp: string, inputs: string, output: string, build: () => Promise<unknown> }} step
 * @returns {Promise<boolean>} whether it ran
 */
export async function buildIfChanged({ stamp, inputs, output, build }) {
  const describe = (bytes) => `${inputs} ${createHash('sha256').update(bytes).digest('hex')}\n`
  const [before, present] = await Promise.all([readOptional(stamp), readOptional(output)])
  if (before !== undefined && present !== undefined && before.toString() === describe(present)) return false
  await build()
  await mkdir(dirname(stamp), { recursive: true })
  await writeFile(stamp, describe(await readFile(output)))
  return true
}
