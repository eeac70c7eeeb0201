import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { FuelRow } from '../support/determinism.ts'
import type { Finding } from './measure.ts'
import { root } from './support.ts'

/** The fuel of 20 calls on Node and on Electron's Node, side by side. */
export function determinism(): Promise<Finding[]> {
  // A process of its own, also where this runs in Electron: the comparison starts sandboxes on both.
  const node = path.join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const output = execFileSync(node, [path.join(root, 'test/bench/determinism-run.ts')], { encoding: 'utf8' })
  const { versions, here, there } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as {
    versions: (string | undefined)[]
    here: FuelRow[]
    there: FuelRow[]
  }
  const rows = here.map((row, index) => {
    const other = there[index]
    const figures = [row.fuel, other?.fuel ?? '–'].map((fuel) => String(fuel).padStart(12)).join('')
    return {
      equal: row.fuel === other?.fuel && row.status === other.status,
      text: `${`${row.guest} ${row.call}`.padEnd(24)}${figures}  ${row.status}`,
    }
  })
  const indent = `\n${' '.repeat(40)}`
  return Promise.resolve([
    {
      name: 'equal fuel on both generations',
      what: `of ${here.length} calls on V8 ${versions.map((version) => version ?? 'none').join(' and ')}`,
      value: rows.filter(({ equal }) => equal).length,
      unit: 'calls',
      goal: { kind: 'at least', value: here.length },
      detail: rows.map(({ text }) => text).join(indent),
    },
  ])
}
