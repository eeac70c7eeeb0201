/** Whether everything the components import is there (spec flows 1.3, 3.2: E0200). */
import type { ExternShape } from '../../../shared/component/world.ts'
import { judgeImport } from '../../contracts/stage/stage-world.ts'
import { isWasi, providesWasi } from '../../contracts/wasi.ts'
import type { FlowDefinition } from '../file/model.ts'
import type { Problems } from '../file/reading/problems.ts'
import type { StageComponent } from './model.ts'

export function checkImports(
  flow: FlowDefinition,
  worlds: ReadonlyMap<string, Extract<StageComponent, { ok: true }>>,
  problems: Problems,
): void {
  for (const { name } of flow.nodes) {
    const at = ['flow', flow.name, 'nodes', name, 'component']
    for (const extern of worlds.get(name)?.inspection.world.imports ?? []) {
      reportImport(name, extern, at, problems)
    }
  }
}

function reportImport(node: string, extern: ExternShape, at: readonly string[], problems: Problems): void {
  const { name } = extern
  const standing = isWasi(name)
    ? ({ kind: extern.kind === 'interface' && providesWasi(name) ? 'provided' : 'unknown' } as const)
    : judgeImport(extern)
  switch (standing.kind) {
    case 'provided':
      return
    case 'unknown':
      problems.add('E0200', at, `"${node}" needs ${name}, which nobody provides; use another component.`, {
        node,
        expected:
          'torvyn:streaming/types, torvyn:streaming/buffer-allocator, torvyn:capabilities/capability-query and WASI 0.2',
        found: name,
        help: 'Ask the author of the component which host it is for.',
      })
      return
    case 'other-version':
      problems.add('E0103', at, `"${node}" imports ${name}; Paddock provides ${standing.provided}.`, {
        node,
        expected: standing.provided,
        found: name,
        help: 'Build the component for the contracts of version 0.1.0.',
      })
      return
    case 'other-shape':
      problems.add(
        'E0102',
        at,
        `"${node}" has another shape than the stage contracts 0.1; the first difference is ${standing.mismatch}.`,
        {
          node,
          expected: name,
          found: standing.mismatch,
          help: 'Build the component for the contracts of version 0.1.0.',
        },
      )
  }
}
