/** What lies over a flow file: the environment by schema, and the command line (spec flows 2, precedence). */
import { nearest } from '../../../modules/manifest/nearest.ts'
import { quoted } from '../../../modules/manifest/table-reader.ts'
import type { CheckFileOptions } from '../model.ts'
import type { Problems } from './problems.ts'
import { settingPaths } from '../keys/settings.ts'
import { OutsideText, type Layers } from './values.ts'

const sections = ['RUNTIME', 'OBSERVABILITY', 'SECURITY'] as const
const byVariable = new Map(settingPaths.map((path) => [`TORVYN_${path.join('_').toUpperCase()}`, path]))

/** Lays `TORVYN_*` over the file: `TORVYN_RUNTIME_WORKER_THREADS` is `runtime.worker_threads`. */
export function layEnvironment(
  layers: Layers,
  environment: NonNullable<CheckFileOptions['environment']>,
  problems: Problems,
): void {
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || !name.startsWith('TORVYN_')) continue
    const path = byVariable.get(name)
    const origin = { file: `the environment variable ${name}`, line: null, column: null }
    if (path !== undefined) layers.set(path, new OutsideText(text), origin)
    else if (sections.some((section) => name.startsWith(`TORVYN_${section}_`))) {
      const suggestion = nearest(name, [...byVariable.keys()])
      problems.add('E0702', [], `The environment variable ${quoted(name)} sets no key and is ignored.`, {
        severity: 'warning',
        expected: 'a variable such as TORVYN_RUNTIME_WORKER_THREADS',
        found: quoted(name),
        help: suggestion === null ? 'Unset it or correct its spelling.' : `Did you mean ${suggestion}?`,
      })
    }
  }
}

/** Lays settings of the command line over all else. Their keys are dotted paths. */
export function layOverrides(
  layers: Layers,
  overrides: NonNullable<CheckFileOptions['overrides']>,
  problems: Problems,
): void {
  for (const [key, text] of Object.entries(overrides)) {
    const path = key.split('.')
    const origin = { file: 'the command line', line: null, column: null }
    const isPath = path.length > 1 && path.every((part) => part !== '' && part !== '__proto__')
    if (isPath && layers.set(path, new OutsideText(text), origin)) continue
    problems.add('E0703', [], `${quoted(key)} on the command line is no key of a flow file.`, {
      expected: 'a key such as runtime.worker_threads or flow.main.nodes.sink.config',
      found: quoted(key),
      help: 'Name the key with all tables it lies in.',
    })
  }
}
