import { readdir } from 'node:fs/promises'
import { readArtifact } from '../../src/engine/compiler/artifact-cache.ts'

/** Every entry of an artifact cache, and whether it is whole. A broken one is removed by looking at it. */
export async function artifactKeys(cacheDir: string): Promise<{ key: string; isWhole: boolean }[]> {
  const found: { key: string; isWhole: boolean }[] = []
  for (const key of await readdir(cacheDir)) {
    if (!/^[0-9a-f]{64}$/.test(key)) continue
    found.push({ key, isWhole: (await readArtifact(cacheDir, key)) !== undefined })
  }
  return found
}
