import { expect, it } from 'vitest'
import { componentFromText } from '../../../test/support/wasm-components.ts'
import { transpileComponent } from './transpile.ts'

const esc = (s: string) => [...new TextEncoder().encode(s)].map((b) => '\\' + b.toString(16).padStart(2, '0')).join('')
const names = [`'];globalThis.OWNED=1;['`, "a\nb", '*/x', '${globalThis.OWNED}', 'back\\slash\\', "\u2028x", '__proto__','constructor']
for (const n of names) it('x ' + JSON.stringify(n), async () => {
  const c = await componentFromText(`(component
  (core module $m (memory (export "memory") 1) (func (export "${esc(n)}")))
  (core instance $i (instantiate $m))
  (core func $f (alias core export $i "${esc(n)}"))
  (core module $n (import "${esc(n)}" "${esc(n)}" (func)))
  (core instance $g (export "${esc(n)}" (func $f)))
  (core instance $j (instantiate $n (with "${esc(n)}" (instance $g))))
  (func (export "run") (canon lift (core func $f))))`)
  const { glue } = await transpileComponent(c)
  const t = new TextDecoder().decode(glue)
  const i = t.indexOf('instantiateCore(')
  console.log(t.split('\n').filter((l) => /OWNED|slash|\*\/x|proto__|constructor'|exports0|instantiateCore\(/.test(l)).join('\n').slice(0, 3000))
})
