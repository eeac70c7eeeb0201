/** `paddock actor`: requests to the actors of a bundle, and what an operator does with them. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { readExportDigest } from '../engine/contracts/actor/export-digest.ts'
import type { ActorAddress } from '../engine/contracts/actor/namespace.ts'
import type { ActorService } from '../engine/contracts/actor/service.ts'
import type { ActorPage } from '../shared/domain/actor.ts'
import { PaddockError, toErrorReport } from '../shared/errors.ts'
import { readEngineConfig } from './engine-config.ts'
import { exitCodes, isBadInput } from './exit-codes.ts'
import { createHeadlessEngine } from './headless-engine.ts'
import type { Output } from './output.ts'

export const actorVerbs = ['request', 'list', 'sleep', 'destroy', 'backup', 'export', 'import'] as const
export type ActorVerb = (typeof actorVerbs)[number]

export interface ActorOptions {
  readonly bundle: string
  readonly verb: string
  /** Method or file, by verb. */
  readonly argument: string | undefined
  readonly key: readonly string[]
  /** `@file` or JSON. */
  readonly payload: string | undefined
  /** The engine that owns the databases, with the file of its token. */
  readonly remote: { readonly url: string; readonly tokenFile: string } | undefined
  readonly config: string | undefined
  readonly stateDir: string | undefined
  readonly version: string
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
  const config = await readEngineConfig(options.config)
  const headless = await createHeadlessEngine({
    version: options.version,
    stateDir: options.stateDir ?? config.stateDir,
    settings: { chains: [...config.chains], operator: config.operator },
  })
  const { engine } = headless
  try {
    for (const warning of config.warnings) output.warning(warning)
    await engine.start()
    const request = await engine.modules.inspect(path.resolve(options.bundle), {})
    const granted = request.asks.map((ask) => ask.capability)
    const name = await engine.modules.install(request.requestId, granted, false)
    if (options.remote !== undefined) engine.modules.setActorEngine(name, options.remote)
    await engine.modules.start(name)
    const status = engine.modules.views().find((module) => module.name === name)?.status
    if (status !== undefined && 'error' in status) throw PaddockError.fromReport(status.error)
    await carryOut(engine.contracts.actors, name, verb, options, payload, output)
    return exitCodes.ok
  } catch (error) {
    const fault = toErrorReport(error)
    output.error(fault)
    return isBadInput(fault.code) ? exitCodes.badInput : exitCodes.moduleFailed
  } finally {
    await headless.close()
  }
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
  let bytes: Uint8Array
  try {
    bytes = given.startsWith('@') ? await readFile(given.slice(1)) : Buffer.from(given, 'utf8')
  } catch (cause) {
    throw new PaddockError('usage.invalid', `${given.slice(1)} cannot be read.`, { cause })
  }
  try {
    JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new PaddockError('usage.invalid', 'The payload is not JSON.', { cause })
  }
  return bytes
}
