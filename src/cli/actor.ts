/** `paddock actor`: requests to the actors of a bundle, and what an operator does with them. */
import path from 'node:path'
import { readExportDigest } from '../engine/contracts/actor/export-digest.ts'
import type { ActorAddress } from '../engine/contracts/actor/namespace.ts'
import type { ActorService } from '../engine/contracts/actor/service.ts'
import type { ActorPage } from '../shared/domain/actor.ts'
import { PaddockError } from '../shared/errors.ts'
import { exitCodes } from './exit-codes.ts'
import { readArgument, runBundle, withEngine, type OneShotOptions } from './one-shot.ts'
import type { Output } from './output.ts'

export const actorVerbs = ['request', 'list', 'sleep', 'destroy', 'backup', 'export', 'import'] as const
export type ActorVerb = (typeof actorVerbs)[number]

export interface ActorOptions extends OneShotOptions {
  readonly bundle: string
  readonly verb: string
  /** Method or file, by verb. */
  readonly argument: string | undefined
  readonly key: readonly string[]
  /** `@file` or JSON. */
  readonly payload: string | undefined
  /** The engine that owns the databases, with the file of its token. */
  readonly remote: { readonly url: string; readonly tokenFile: string } | undefined
}

const pageSize = 1_000

/** Loads the bundle and does one thing. Exit 0 when it went well, 1 when the actor failed, 2 for bad input. */
export async function actor(options: ActorOptions, output: Output): Promise<number> {
  const verb = actorVerbs.find((each) => each === options.verb)
  if (verb === undefined) {
    throw new PaddockError('usage.invalid', `"${options.verb}" is none of ${actorVerbs.join(', ')}.`)
  }
  if (verb !== 'list' && options.key.length === 0)
    throw new PaddockError('usage.invalid', `${verb} needs --key.`)
  const payload = await readPayload(options.payload)
  return withEngine(options, output, async (engine) => {
    const name = await runBundle(engine, options.bundle, (installed) => {
      if (options.remote !== undefined) engine.modules.setActorEngine(installed, options.remote)
    })
    await carryOut(engine.contracts.actors, name, verb, options, payload, output)
    return exitCodes.ok
  })
}

async function carryOut(
  actors: ActorService,
  name: string,
  verb: ActorVerb,
  options: ActorOptions,
  payload: Uint8Array,
  output: Output,
): Promise<void> {
  const address: ActorAddress = { key: options.key }
  switch (verb) {
    case 'request': {
      const answer = await actors.request(name, address, argumentOf(options, 'a method'), payload)
      tellAnswer(answer, output)
      return
    }
    case 'list':
      await tellActors(actors, name, output)
      return
    case 'sleep':
      await actors.sleep(name, address)
      output.result({ ok: true }, 'asleep')
      return
    case 'destroy':
      await actors.destroy(name, address)
      output.result({ ok: true }, 'destroyed')
      return
    case 'backup': {
      const { pages } = await actors.backup(name, address, path.resolve(argumentOf(options, 'a file')))
      output.result({ ok: true, pages }, `${pages} pages copied`)
      return
    }
    case 'export': {
      const manifest = await actors.export(name, address, path.resolve(argumentOf(options, 'a file')))
      output.result({ ok: true, manifest }, `${manifest.bytes} bytes, SHA-256 ${manifest.sha256}`)
      return
    }
    case 'import': {
      const file = path.resolve(argumentOf(options, 'a file'))
      const imported = await actors.import(name, address, file, await readExportDigest(file))
      output.result({ ok: true, ...imported }, `${imported.tables} tables imported`)
      return
    }
  }
}

function argumentOf(options: ActorOptions, what: string): string {
  if (options.argument !== undefined) return options.argument
  throw new PaddockError('usage.invalid', `${options.verb} needs ${what}.`)
}

/** Answers are bytes; helpers of guests put JSON in them. */
function tellAnswer(answer: Uint8Array, output: Output): void {
  const text = Buffer.from(answer).toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    output.result({ ok: true, answer: value }, JSON.stringify(value, null, 2))
  } catch {
    const hex = `0x${Buffer.from(answer).toString('hex')}`
    output.result({ ok: true, hex }, hex)
  }
}

async function tellActors(actors: ActorService, name: string, output: Output): Promise<void> {
  const all: ActorPage['actors'] = []
  let after: string | null = null
  do {
    const page: ActorPage = await actors.list(name, after, pageSize)
    all.push(...page.actors)
    after = page.next
  } while (after !== null)
  const lines = all.map(
    ({ key, state, generation, sizeBytes }) =>
      `${key.join(' / ')}  ${state}, generation ${generation}, ${sizeBytes} bytes`,
  )
  output.result({ ok: true, actors: all }, lines.length === 0 ? 'no actors' : lines.join('\n'))
}

async function readPayload(given: string | undefined): Promise<Uint8Array> {
  if (given === undefined) return new Uint8Array()
  const bytes = await readArgument(given)
  try {
    JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new PaddockError('usage.invalid', 'The payload is not JSON.', { cause })
  }
  return bytes
}
