/** Names are a component's own choice, and the transpiler writes them into JavaScript. */
import { describe, expect, it } from 'vitest'
import { componentFromText } from '../../../test/support/wasm-components.ts'
import { readWorld } from './reader/read-world.ts'
import { transpileComponent } from './transpile.ts'

const wat = (text: string) =>
  [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')

/** Named only in its core modules: `aliased` says whether the component itself spells the name, too. */
function componentNamed(name: string, aliased: boolean): Promise<Uint8Array> {
  const hostile = wat(name)
  const alias = aliased ? `(core func (alias core export $i "${hostile}"))` : ''
  return componentFromText(`(component
    (core module $m (memory (export "memory") 1) (func (export "run")) (func (export "${hostile}")))
    (core module $n (import "m" "${hostile}" (func)))
    (core instance $i (instantiate $m))
    (core instance (instantiate $n (with "m" (instance $i))))
    ${alias}
    (func (export "run") (canon lift (core func $i "run"))))`)
}

const escape = `'];globalThis[\`OWNED\`]=1;['`

describe('a name that would write JavaScript into the glue', () => {
  it.each([escape, `x'`, 'back\\', 'two\nlines', 'two\rlines', '"', '`${1}`', '\u2028', '\0', '__proto__'])(
    'is refused: %j',
    async (name) => {
      const component = await componentNamed(name, false)
      await expect(transpileComponent(component)).rejects.toMatchObject({ code: 'component.malformed' })
    },
  )

  it('is refused by the reader where the component itself spells it', async () => {
    const component = await componentNamed(escape, true)
    expect(() => readWorld(component)).toThrow(expect.objectContaining({ code: 'component.malformed' }))
  })

  it('is refused as the module part of an import', async () => {
    const hostile = wat(escape)
    const component = await componentFromText(`(component
      (core module $m (func (export "run")))
      (core module $n (import "${hostile}" "run" (func)))
      (core instance $i (instantiate $m))
      (core instance (instantiate $n (with "${hostile}" (instance $i))))
      (func (export "run") (canon lift (core func $i "run"))))`)
    await expect(transpileComponent(component)).rejects.toMatchObject({ code: 'component.malformed' })
  })

  it.each([
    'a:b/c@1.0.0#[method]d.e',
    'GOT.mem',
    '_ZN4core3fmt$u7b$E',
    '$root',
    '*/x',
    'constructor',
    'then',
  ])('is not taken for one that is merely odd: %j', async (name) => {
    await expect(transpileComponent(await componentNamed(name, false))).resolves.toBeDefined()
  })
})
