import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { cache, root } from './paths.mjs'

/** What an earlier run noted under `name`, or undefined when there is nothing readable. */
export async function readStamp(name) {
  try {
    return JSON.parse(await readFile(join(cache, `${name}.json`), 'utf8'))
  } catch {
    return undefined
  }
}

export async function writeStamp(name, value) {
  await mkdir(cache, { recursive: true })
  const temporary = join(cache, `${name}.${process.pid}.tmp`)
  await writeFile(temporary, JSON.stringify(value))
  await rename(temporary, join(cache, `${name}.json`))
}

/** SHA-256 over the paths and contents of files and folders given relative to the project; missing ones count as absent. */
export async function hashInputs(inputs, keep = () => true) {
  const files = (await Promise.all(inputs.map((input) => listFiles(join(root, input))))).flat()
  const hash = createHash('sha256')
  for (const file of files.filter(keep).sort()) {
    hash.update(`${relative(root, file)}\0`)
    hash.update(
      createHash('sha256')
        .update(await readFile(file))
        .digest(),
    )
  }
  return hash.digest('hex')
}

/** Every file under a folder, or the file itself; empty when it does not exist. */
export async function listFiles(path) {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    const nested = entries.map((entry) => {
      const child = join(path, entry.name)
      return entry.isDirectory() ? listFiles(child) : [child]
    })
    return (await Promise.all(nested)).flat()
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path]
    if (error.code === 'ENOENT') return []
    throw error
  }
}
