import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../shared/errors.ts'
import { componentOf } from '../../../test/support/wasm-components.ts'
import { endImplicitTasks, transpileComponent } from './transpile.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (glue: Uint8Array) => new TextDecoder().decode(glue)

describe('the tasks that the glue opens for host calls', () => {
  it('are closed in what the transpiler really writes', async () => {
    const component = await componentOf('world w { import log: func(line: string); export run: func(); }')
    const { glue } = await transpileComponent(component)
    const closing =
      /^ *if \(createdTask\) \{ createdTask\.resolve\(\[syncRes\]\); createdTask\.exit\(\); \}$/gm
    expect([...text(glue).matchAll(closing)]).toHaveLength(1)
    expect(text(glue)).not.toMatch(/createdTask\.resolve\(\[syncRes\]\); \}/)
  })

  it('are of no concern where there are none', () => {
    expect(text(endImplicitTasks(bytes('export function instantiate() {}')))).toBe(
      'export function instantiate() {}',
    )
  })

  it('must have the known form', () => {
    const other = bytes('function _lowerImportBackwardsCompat(args) {\n  createdTask.resolve();\n}')
    expect(() => endImplicitTasks(other)).toThrow(PaddockError)
  })
})
