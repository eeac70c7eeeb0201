/** The components of a flow's nodes: found, confined to the folder of the flow, read once per file, compiled. */
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Inspection } from '../../../shared/compiler/protocol.ts'
import { PaddockError, toErrorReport } from '../../../shared/errors.ts'
import type { Compiler } from '../../compiler/compiler.ts'
import type { ContentService } from '../../content/content-service.ts'
import type { FlowDefinition, NodeDefinition } from '../file/model.ts'
import type { CompiledStage } from '../plan/build-plan.ts'
import { stageLimits } from '../plan/judge-flow.ts'
import type { FlowAsk, StageComponent } from '../plan/model.ts'

export interface ComponentMeans {
  readonly compiler: Compiler
  readonly contents: Pick<ContentService, 'fetch'>
}

export interface FoundComponents {
  /** By node; host ends left out. */
  readonly components: ReadonlyMap<string, StageComponent>
  /** Files outside the folder of the flow, each of which the operator must grant. */
  readonly asks: readonly FlowAsk[]
}

interface Known {
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
  readonly inspection: Inspection
}

const mostKnown = 256

export class StageComponents {
  private readonly means: ComponentMeans
  /** What files were, so that one that has not changed need not be read again. */
  private readonly known = new Map<string, Known>()

  constructor(means: ComponentMeans) {
    this.means = means
  }

  /** Every component of the flow as it is now, with why one cannot be had; `granted` null is everything. Never rejects. */
  async find(flow: FlowDefinition, granted: readonly string[] | null): Promise<FoundComponents> {
    const components = new Map<string, StageComponent>()
    const asks: FlowAsk[] = []
    await Promise.all(
      flow.nodes.map(async (node) => {
        if (node.component.kind === 'host') return
        try {
          const file = await this.fileOf(flow, node)
          const ask = file.isOutside ? askFor(node, file.path) : null
          if (ask !== null) asks.push(ask)
          components.set(
            node.name,
            ask === null || granted === null || granted.includes(ask.key)
              ? { ok: true, path: file.path, inspection: await this.inspect(file.path) }
              : { ok: false, error: outside(node, file.path).toReport() },
          )
        } catch (error) {
          components.set(node.name, { ok: false, error: toErrorReport(error, 'flow.component') })
        }
      }),
    )
    return { components, asks: asks.sort((a, b) => (a.key < b.key ? -1 : 1)) }
  }

  /** Artifacts of all of them, from the cache or made now. Rejects with `component.*` and `compiler.*`. */
  async compile(
    flow: FlowDefinition,
    components: ReadonlyMap<string, StageComponent>,
    signal: AbortSignal,
  ): Promise<Map<string, CompiledStage>> {
    const stages = await Promise.all(
      flow.nodes.map(async (node): Promise<readonly [string, CompiledStage] | null> => {
        const component = components.get(node.name)
        if (component === undefined) return null
        if (!component.ok) throw PaddockError.fromReport(component.error)
        const { directory } = await this.means.compiler.compile(
          {
            path: component.path,
            expectedSha256: component.inspection.sha256,
            limits: stageLimits(node, component),
          },
          undefined,
          signal,
        )
        return [node.name, { component, artifactDirectory: directory }]
      }),
    )
    return new Map(stages.filter((each) => each !== null))
  }

  private async fileOf(
    flow: FlowDefinition,
    { name, component, source }: NodeDefinition,
  ): Promise<{ path: string; isOutside: boolean }> {
    if (component.kind === 'content') {
      const file = await this.means.contents.fetch(component.reference, { isTrusted: true })
      return { path: file, isOutside: false }
    }
    if (component.kind === 'host') throw new PaddockError('internal.bug', `"${name}" has no component.`)
    const folder = await realpath(path.dirname(flow.file))
    for (const candidate of component.candidates) {
      const found = await realpath(candidate).catch(() => null)
      if (found !== null && (await stat(found)).isFile())
        return { path: found, isOutside: isOutside(folder, found) }
    }
    const looked = component.candidates.join(', ')
    throw new PaddockError(
      'flow.component',
      `The component "${source}" of "${name}" is not there: ${looked}.`,
    )
  }

  private async inspect(file: string): Promise<Inspection> {
    const { size, mtimeMs, ino } = await stat(file)
    const known = this.known.get(file)
    if (known?.size === size && known.mtimeMs === mtimeMs && known.ino === ino) return known.inspection
    const inspection = await this.means.compiler.inspect(file)
    this.known.set(file, { size, mtimeMs, ino, inspection })
    const [oldest] = this.known.keys()
    if (this.known.size > mostKnown && oldest !== undefined) this.known.delete(oldest)
    return inspection
  }
}

function isOutside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file)
  return relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)
}

function askFor(node: NodeDefinition, file: string): FlowAsk {
  return {
    key: `${node.name}/file:${file}`.slice(0, 256),
    node: node.name,
    capability: 'file',
    title: `Runs the component ${file}, which lies outside the folder of the flow`,
    risky: false,
  }
}

function outside(node: NodeDefinition, file: string): PaddockError {
  return new PaddockError(
    'flow.denied',
    `The component of "${node.name}" lies outside the folder of the flow: ${file}.`,
  )
}
