import { mkdir, mkdtemp, readdir, rename, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRequire } from 'node:module'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ArtifactManifest, CompiledLimits } from '../../shared/compiler/protocol.ts'
import { artifactKey, evictArtifacts, readArtifact, sha256, writeArtifact } from './artifact-cache.ts'
import { toolchain, transpilerVersion } from './toolchain.ts'

const limits: CompiledLimits = { memoryBytes: 65_536, tableElements: 10, initialFuel: 0 }
let cacheDir: string

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'paddock-cache-'))
})
afterEach(() => rm(cacheDir, { recursive: true, force: true }))

/** Writes an entry of about `bytes` bytes, last used `ageSeconds` ago. */
async function entry(seed: string, bytes: number, ageSeconds: number): Promise<string> {
  const glue = new Uint8Array(bytes).fill(seed.charCodeAt(0))
  const manifest: ArtifactManifest = {
    format: 1,
    componentSha256: sha256(seed),
    componentBytes: 1,
    toolchain,
    limits,
    glue: 'component.mjs',
    cores: [],
    fuelExport: 'paddock:fuel',
    memoryBytes: 0,
    imports: [],
    files: { 'component.mjs': { sha256: sha256(glue), bytes } },
  }
  const key = artifactKey(manifest.componentSha256, limits)
  await writeArtifact(cacheDir, key, manifest, new Map([['component.mjs', glue]]))
  const used = new Date(Date.now() - ageSeconds * 1000)
  await utimes(join(cacheDir, key), used, used)
  return key
}

test('the entries used longest ago go first, and the one just made stays', async () => {
  const [oldest, middle, newest] = [
    await entry('a', 50_000, 300),
    await entry('b', 50_000, 200),
    await entry('c', 50_000, 100),
  ]
  await readArtifact(cacheDir, oldest)
  expect(await evictArtifacts(cacheDir, 120_000, newest)).toEqual([middle])
  expect((await readdir(cacheDir)).sort()).toEqual([oldest, newest].sort())
  expect(await evictArtifacts(cacheDir, 1, newest)).toEqual([oldest])
  expect(await readArtifact(cacheDir, newest)).toBeDefined()
})

test('what a dead process left is removed once it is old, and foreign files are left alone', async () => {
  await mkdir(join(cacheDir, '.new-1-x'))
  await mkdir(join(cacheDir, '.old-y'))
  await mkdir(join(cacheDir, 'something else'))
  await evictArtifacts(cacheDir, 1, '')
  expect(await readdir(cacheDir)).toHaveLength(3)
  await evictArtifacts(cacheDir, 1, '', Date.now() + 2 * 60 * 60 * 1000)
  expect(await readdir(cacheDir)).toEqual(['something else'])
})

test('an entry that another process wrote first is kept', async () => {
  const key = await entry('a', 100, 0)
  const before = await readArtifact(cacheDir, key)
  await entry('a', 100, 0)
  expect(await readArtifact(cacheDir, key)).toEqual(before)
  expect(await readdir(cacheDir)).toEqual([key])
})

test('an entry under the name of another is not believed', async () => {
  const key = await entry('a', 100, 0)
  const other = artifactKey(sha256('b'), limits)
  await rename(join(cacheDir, key), join(cacheDir, other))
  expect(await readArtifact(cacheDir, other)).toBeUndefined()
  expect(await readdir(cacheDir)).toEqual([])
})

test('the key depends on the component, on every limit and on the toolchain', () => {
  const digest = sha256('a')
  const keys = [
    artifactKey(digest, limits),
    artifactKey(sha256('b'), limits),
    artifactKey(digest, { ...limits, memoryBytes: 131_072 }),
    artifactKey(digest, { ...limits, tableElements: 11 }),
    artifactKey(digest, { ...limits, initialFuel: 1 }),
  ]
  expect(new Set(keys).size).toBe(keys.length)
  expect(toolchain).toContain(transpilerVersion)
})

test('the toolchain names the installed transpiler', () => {
  const require = createRequire(import.meta.url)
  const path = fileURLToPath(
    new URL('../../../node_modules/@bytecodealliance/jco-transpile/package.json', import.meta.url),
  )
  expect((require(path) as { version: string }).version).toBe(transpilerVersion)
})
