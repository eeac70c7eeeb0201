/** Actor modules of the fixtures in a real engine. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ActorService } from '../../src/engine/contracts/actor/service.ts'
import type { ActorPage, ActorView } from '../../src/shared/domain/actor.ts'
import { actorsFolder } from '../fixtures/actors/build-actors.mjs'
import { temporaryFolder, type TestEngine } from './engine.ts'

export interface ActorBundle {
  readonly name?: string
  /** Keys of [contract]. */
  readonly contract?: Readonly<Record<string, string | number>>
  readonly limits?: Readonly<Record<string, number>>
  readonly budgets?: Readonly<Record<string, number>>
  readonly config?: Readonly<Record<string, string | number>>
  readonly moduleLimits?: Readonly<Record<string, number>>
  readonly required?: readonly string[]
}

function table(title: string, values: Readonly<Record<string, string | number>> = {}): string[] {
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  return lines.length === 0 ? [] : [`[${title}]`, ...lines]
}

/** A bundle folder with a fixture's guest. */
export async function actorBundle(fixture: string, bundle: ActorBundle = {}): Promise<string> {
  const name = bundle.name ?? fixture
  const folder = join(await temporaryFolder(), name)
  await mkdir(folder, { recursive: true })
  await copyFile(join(actorsFolder, `${fixture}.wasm`), join(folder, 'module.wasm'))
  const required = bundle.required ?? ['database', 'key-value', 'logging', 'clock', 'entropy']
  const lines = [
    ...table('module', { name, version: '0.1.0', component: 'module.wasm' }),
    '[capabilities]',
    `required = ${JSON.stringify(required)}`,
    ...table('limits', bundle.moduleLimits),
    ...table('contract', bundle.contract),
    ...table('contract.limits', bundle.limits),
    ...table('contract.budgets', bundle.budgets),
    ...table('config', bundle.config),
  ]
  await writeFile(join(folder, 'paddock.toml'), lines.join('\n'))
  return folder
}

/** One module of actors in an engine of its own. */
export class TestActors {
  readonly test: TestEngine
  readonly module: string

  constructor(test: TestEngine, module: string) {
    this.test = test
    this.module = module
  }

  get service(): ActorService {
    return this.test.engine.contracts.actors
  }

  async request(key: string, method: string, payload: unknown = {}): Promise<unknown> {
    const answer = await this.service.request(
      this.module,
      { key: [key] },
      method,
      Buffer.from(JSON.stringify(payload)),
    )
    return JSON.parse(Buffer.from(answer).toString('utf8'))
  }

  page(): Promise<ActorPage> {
    return this.service.list(this.module, null, 1_000)
  }

  async view(key: string): Promise<ActorView> {
    const { actors } = await this.page()
    const found = actors.find((actor) => actor.key[0] === key)
    if (found === undefined) throw new Error(`no actor ${key}`)
    return found
  }

  sleep(key: string): Promise<void> {
    return this.service.sleep(this.module, { key: [key] })
  }

  destroy(key: string): Promise<void> {
    return this.service.destroy(this.module, { key: [key] })
  }

  /** Process ids of the hosts. */
  pids(): number[] {
    return this.service.namespace(this.module).context.hosts.all.flatMap(({ pid }) => pid ?? [])
  }
}

let loaded = 0

/** A module of actors, under a name of its own, in an engine that others use too: guests are compiled once. */
export async function startActors(
  test: TestEngine,
  fixture: string,
  bundle: ActorBundle = {},
): Promise<TestActors> {
  loaded += 1
  const named = { name: `${fixture}-${loaded}`, ...bundle }
  const name = await test.load(await actorBundle(fixture, named))
  return new TestActors(test, name)
}
