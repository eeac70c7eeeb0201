/** A bundle of tools on the command line: naming it, its secrets and private addresses is consent to them. */
import type { Engine } from '../engine/engine.ts'
import { destinationSchema } from '../shared/domain/operator/common.ts'
import { PaddockError } from '../shared/errors.ts'
import { runBundle } from './one-shot.ts'
import { readSecret, type SecretFile } from './secret-files.ts'

export interface ToolGiven {
  readonly secrets: readonly SecretFile[]
  /** Private addresses and ranges that the tools may reach, of those they declare. */
  readonly permitted: readonly string[]
}

/** Reads `127.0.0.1` or `10.0.0.0/8`. Throws `usage.invalid`. */
export function parseDestination(text: string): string {
  if (destinationSchema.safeParse(text).success) return text
  throw new PaddockError(
    'usage.invalid',
    `"${text.slice(0, 64)}" is no address such as 127.0.0.1 or 10.0.0.0/8.`,
  )
}

/**
 * Starts the tool with all it declares granted, puts the secrets into the store and lets the tool use those it declares,
 * on the hosts it declares. Answers its name. Throws what its load failed with, and `secret.*`.
 */
export async function loadTool(
  engine: Engine,
  bundle: string,
  { secrets, permitted }: ToolGiven,
): Promise<string> {
  const { tools } = engine.contracts
  const name = await runBundle(engine, bundle)
  for (const range of permitted) engine.grants.grant(name, { kind: 'destination', range })
  const declared = tools.list().find(({ module }) => module === name)?.secrets ?? []
  for (const secret of secrets) await tools.setSecret(secret.name, await readSecret(secret))
  for (const { name: secret, hosts } of declared) {
    if (secrets.some((each) => each.name === secret)) await tools.grantSecret(name, secret, hosts)
  }
  return name
}
