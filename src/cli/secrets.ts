/** `paddock secrets`: the secrets of tools, of which no value ever comes out (spec tools 5). */
import { PaddockError } from '../shared/errors.ts'
import { exitCodes } from './exit-codes.ts'
import { withEngine, type OneShotOptions } from './one-shot.ts'
import type { Output } from './output.ts'
import { parseSecretFile, readSecret } from './secret-files.ts'

export const secretVerbs = ['list', 'set', 'remove'] as const

export interface SecretsOptions extends OneShotOptions {
  readonly verb: string
  readonly secret: string | undefined
}

export async function secrets(options: SecretsOptions, output: Output): Promise<number> {
  const verb = secretVerbs.find((each) => each === options.verb)
  if (verb === undefined)
    throw new PaddockError('usage.invalid', `"${options.verb}" is none of ${secretVerbs.join(', ')}.`)
  const argument = (): string => {
    if (options.secret !== undefined) return options.secret
    throw new PaddockError('usage.invalid', `${verb} needs a secret.`)
  }
  return withEngine(options, output, async (engine) => {
    const { tools } = engine.contracts
    switch (verb) {
      case 'set': {
        const named = parseSecretFile(argument())
        await tools.setSecret(named.name, await readSecret(named))
        output.result({ ok: true }, `${named.name} is kept`)
        break
      }
      case 'remove':
        await tools.removeSecret(argument())
        output.result({ ok: true }, 'removed')
        break
      case 'list': {
        const all = await tools.secrets()
        const lines = all.map(({ name, updatedAt, grants }) => {
          const users = grants.map(({ module, hosts }) => `${module} on ${hosts.join(', ')}`).join('; ')
          return `${name}  set ${new Date(updatedAt).toISOString()}  ${users || 'used by no tool'}`
        })
        output.result({ ok: true, secrets: all }, lines.join('\n') || 'no secrets')
      }
    }
    return exitCodes.ok
  })
}
