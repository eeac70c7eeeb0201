/** What the app brings along: modules, tools and flows that are added the first time it sees them. */
import path from 'node:path'
import type { Engine } from '../engine/engine.ts'
import type { SettingsPort } from '../engine/settings-port.ts'
import { toErrorReport } from '../shared/errors.ts'

export interface Examples {
  /** Bundles of modules and tools. */
  readonly bundles: readonly string[]
  /** Folders of flows. */
  readonly flows: readonly string[]
}

/** What is wrong with one is raised as a notice, and the others go on. Never rejects. */
export async function addExamples(engine: Engine, settings: SettingsPort, examples: Examples): Promise<void> {
  const attempt = async (example: string, add: () => Promise<void>): Promise<void> => {
    try {
      await add()
    } catch (error) {
      engine.state.raise(`example ${example}`, 'warn', { kind: 'engine' }, toErrorReport(error))
    }
  }
  for (const bundle of examples.bundles) await attempt(bundle, () => engine.modules.installExample(bundle))
  for (const flow of examples.flows) await attempt(flow, () => addExampleFlow(engine, settings, flow))
}

/** Adds and starts a flow once, with what it asks for granted: what the operator removed is not brought back. */
async function addExampleFlow(engine: Engine, settings: SettingsPort, folder: string): Promise<void> {
  const source = { path: path.resolve(folder) }
  const { examplesSeen } = settings.get()
  if (examplesSeen.includes(source.path)) return
  const asks = await engine.flows.asks(source)
  settings.set({ ...settings.get(), examplesSeen: [...examplesSeen, source.path] })
  const { id } = await engine.flows.add(
    source,
    asks.map(({ key }) => key),
  )
  await engine.flows.start(id)
}
