/** Bundles of deciders for engines. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deciderComponent, deciderFolder } from './deciders.ts'
import type { DeciderText } from './decider-wat.ts'

/** A bundle folder with a decider. */
export async function deciderBundle(
  text: DeciderText,
  name: string,
  contract: readonly string[] = [],
): Promise<string> {
  const folder = join(await deciderFolder(), name)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'module.wasm'), await deciderComponent(text))
  await writeFile(
    join(folder, 'paddock.toml'),
    `[module]\nname = "${name}"\nversion = "${text.version}"\n\n[contract]\n${contract.join('\n')}\n`,
  )
  return folder
}
