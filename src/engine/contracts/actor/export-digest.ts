/** The digest that an export states beside itself. */
import { readFile } from 'node:fs/promises'
import { exportManifestSchema } from '../../../shared/contracts/actor-files.ts'
import { PaddockError } from '../../../shared/errors.ts'

/** Reads `<file>.json`. Throws `wasm.invalid_config` where there is no such manifest. */
export async function readExportDigest(file: string): Promise<string> {
  try {
    return exportManifestSchema.parse(JSON.parse(await readFile(`${file}.json`, 'utf8'))).sha256
  } catch (cause) {
    throw new PaddockError('wasm.invalid_config', `${file}.json is not the manifest of an export.`, {
      cause,
      details: { field: 'path' },
      remedy: 'Give the export with its manifest beside it, or its SHA-256.',
    })
  }
}
