/** Tools of the fixtures in a real engine: real processes for guests, the broker's real parts in the test's own. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CallSession, type BrokerParts } from '../../src/engine/broker/process/call-session.ts'
import type { BrokeredCall, ToolBroker } from '../../src/engine/contracts/tool/broker.ts'
import type { ToolCallRequest } from '../../src/engine/contracts/tool/api.ts'
import type { ToolService } from '../../src/engine/contracts/tool/service.ts'
import { budgetsSchema, type Budgets } from '../../src/shared/domain/budgets.ts'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import { memorySettings } from '../../src/engine/settings-port.ts'
import type { ToolCallView, ToolFailure } from '../../src/shared/domain/tool.ts'
import { startEngine, temporaryFolder, type TestEngine, type TestEngineOptions } from './engine.ts'
import { handTool, probeToolPath } from './tool-components.ts'
import { ToolWorld } from './tool-world.ts'

/** The parts of a broker, asked without a process between. */
export function directBroker(parts: BrokerParts): ToolBroker {
  return {
    secrets: parts.vault,
    async open(policy): Promise<BrokeredCall> {
      const session = await CallSession.open(parts, policy)
      return {
        sendBody: (part) => Promise.resolve(session.sendBody(part)),
        http: (request) => session.request(request),
        readBody: (offset) => Promise.resolve(session.readBody(offset)),
        readWorkspace: (path) => session.readWorkspace(path),
        secretExists: (name) => Promise.resolve(session.secretExists(name)),
        scanOutput: (text) => session.scanOutput(text),
        scrub: (texts, maxBytes) => session.scrub(texts, maxBytes),
        cancel: () => session.cancel(),
        figures: () => session.figures(),
        close: () => session.close(),
      }
    },
    close: () => Promise.resolve(),
  }
}

export interface ToolBundle {
  readonly name: string
  /** `probe` of the fixtures, or the hand-written one. */
  readonly component?: 'probe' | 'hand' | Uint8Array
  readonly operations?: readonly string[]
  readonly limits?: Readonly<Record<string, number>>
  readonly http?: Readonly<Record<string, number>>
  /** Ports of 127.0.0.1 that it may reach over plain HTTP. */
  readonly ports?: readonly number[]
  /** Alias to operation. */
  readonly alias?: Readonly<Record<string, string>>
  readonly tools?: readonly string[]
  readonly permission?: 'allow' | 'ask' | 'deny'
  readonly more?: readonly string[]
}

export async function toolBundle(bundle: ToolBundle): Promise<string> {
  const { name, component = 'probe', limits = {}, http = {}, ports = [], alias = {} } = bundle
  const folder = join(await temporaryFolder(), name)
  await mkdir(folder, { recursive: true })
  const wasm = join(folder, 'module.wasm')
  if (component === 'probe') await copyFile(await probeToolPath(), wasm)
  else await writeFile(wasm, component === 'hand' ? await handTool() : component)
  const operations = bundle.operations ?? [name]
  const lines = [
    'schema = "tool.v1"',
    `id = "${name}"`,
    'version = "1.0.0"',
    'component = "module.wasm"',
    'wit = "near:agent@0.4.1"',
    '[limits]',
    ...Object.entries(limits).map(([key, value]) => `${key} = ${value}`),
    '[http]',
    ...Object.entries(http).map(([key, value]) => `${key} = ${value}`),
    'rate = { per_minute = 100000, per_hour = 100000 }',
    ...ports.flatMap((port) => [
      '[[http.allow]]',
      'scheme = "http"',
      'host = "127.0.0.1"',
      `port = ${port}`,
      'methods = ["GET", "POST"]',
    ]),
    '[tools]',
    ...(bundle.tools ?? ['rate = { per_minute = 100000, per_hour = 100000 }']),
    `alias = { ${Object.entries(alias)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
      .join(', ')} }`,
    ...(bundle.more ?? []),
    ...operations.flatMap((id) => [
      '[[operations]]',
      `id = "${id}"`,
      'description = "Tries the host."',
      'effects = ["network", "use_secret", "read_workspace", "invoke_tool"]',
      `permission = "${bundle.permission ?? 'allow'}"`,
    ]),
  ]
  await writeFile(join(folder, 'tool.toml'), lines.join('\n'))
  return folder
}

export type BudgetsInput = Parameters<typeof budgetsSchema.parse>[0]

export interface ToolsOptions extends Omit<TestEngineOptions, 'toolBroker'> {
  readonly budgets?: BudgetsInput
  /** Uses the broker in the engine's own process for it, as an operator does. */
  readonly ownBroker?: boolean
}

export class TestTools {
  readonly test: TestEngine
  readonly world: ToolWorld

  static async start(options: ToolsOptions = {}): Promise<TestTools> {
    const world = await ToolWorld.open()
    const { budgets, ownBroker = false, ...others } = options
    const settings = memorySettings(
      settingsSchema.parse({ devnet: { autoStart: false }, ...(budgets === undefined ? {} : { budgets }) }),
    )
    const test = await startEngine({
      settings,
      ...others,
      ...(ownBroker ? {} : { toolBroker: directBroker(world.parts) }),
    })
    return new TestTools(test, world)
  }

  private constructor(test: TestEngine, world: ToolWorld) {
    this.test = test
    this.world = world
  }

  get service(): ToolService {
    return this.test.engine.contracts.tools
  }

  /** Installs and starts a tool, granting all it asks for and its ports. */
  async load(bundle: ToolBundle): Promise<string> {
    const name = await this.test.load(await toolBundle(bundle))
    for (const port of bundle.ports ?? []) {
      this.test.engine.grants.grant(name, { kind: 'destination', range: `127.0.0.1:${port}` })
    }
    return name
  }

  call(operation: string, params: unknown, more: Partial<ToolCallRequest> = {}): Promise<ToolCallView> {
    return this.service.call({ operation, params: JSON.stringify(params), caller: 'console', ...more })
  }

  /** The parsed output of a call that succeeds. */
  async output(operation: string, params: unknown): Promise<unknown> {
    const view = await this.call(operation, params)
    if (view.outcome?.ok !== true) throw new Error(`the call failed: ${JSON.stringify(view.outcome)}`)
    return JSON.parse(view.outcome.output)
  }

  async failure(
    operation: string,
    params: unknown,
    more: Partial<ToolCallRequest> = {},
  ): Promise<ToolFailure> {
    return failureOf(await this.call(operation, params, more))
  }

  budgets(input: BudgetsInput): Budgets {
    return budgetsSchema.parse(input)
  }

  /** What is held: nothing of it may be left when no call is under way. */
  get held(): Readonly<Record<string, number>> {
    const { service, test } = this
    return {
      calls: service.open,
      preparing: service.preparing.inUse + service.preparing.waiting,
      executing: service.gates.reduce((sum, gate) => sum + gate.inUse + gate.waiting, 0),
      reservations: test.engine.governor.open,
    }
  }

  async close(): Promise<void> {
    await this.world.close()
  }
}

export const nothingHeld = { calls: 0, preparing: 0, executing: 0, reservations: 0 }

export function failureOf({ outcome }: ToolCallView): ToolFailure {
  if (outcome?.ok !== false) throw new Error(`the call did not fail: ${JSON.stringify(outcome)}`)
  return outcome.failure
}
