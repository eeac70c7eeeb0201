import {
  componentEmbed,
  componentNew,
  componentWit,
  parse,
  print,
} from '@bytecodealliance/jco-transpile/wasm-tools'
import { innerInterface, innerPackage, outerWorld } from './contracts.mjs'

/** How an unnamed component without content is encoded: section 4, eight bytes, the component preamble. */
const emptyComponent = Uint8Array.of(0x04, 0x08, 0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00)

function unsignedLeb(value) {
  const bytes = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}

function embedInner(shell, inner) {
  const at = Buffer.from(shell.buffer, shell.byteOffset, shell.byteLength).indexOf(emptyComponent)
  if (at < 0) throw new Error('The wrapping component has no place for the guest.')
  return Buffer.concat([
    shell.subarray(0, at),
    Uint8Array.of(0x04, ...unsignedLeb(inner.byteLength)),
    inner,
    shell.subarray(at + emptyComponent.byteLength),
  ])
}

/** The wrapping component's text: the outer world's own declarations around an empty inner component. */
function shellText(dummyText) {
  const lines = dummyText.split('\n')
  const firstModule = lines.findIndex((line) => line.startsWith('  (core module'))
  const declarations = lines.slice(0, firstModule)
  const rest = lines.slice(firstModule)
  // The dummy's function types follow its core modules; core items do not count as component types.
  const types = rest.filter((line) => /^ {2}\(type /.test(line))
  const imports = declarations.flatMap((line) => {
    const match = line.match(/^ {2}\(import "([^"]+)" \(instance \$\S+ \(;(\d+);\)/)
    return match === null ? [] : [{ name: match[1], index: match[2] }]
  })
  const lifted = new Map()
  for (const line of rest) {
    const match = line.match(/^ {2}\(func \$(\S+) \(;\d+;\) \(type (\d+)\) \(canon lift/)
    if (match !== null) lifted.set(match[1], match[2])
  }
  const exports = [...lifted].flatMap(([name, type]) => [
    `  (alias export $guest "${name}" (func $inner-${name}))`,
    `  (export "${name}" (func $inner-${name}) (func (type ${type})))`,
  ])
  return [
    ...declarations,
    ...types,
    '  (component)',
    '  (instance $made (instantiate 0',
    ...imports.map(({ name, index }) => `    (with "${name}" (instance ${index}))`),
    '  ))',
    `  (alias export $made "${innerPackage}/${innerInterface}" (instance $guest))`,
    ...exports,
    ')',
  ].join('\n')
}

/**
 * Wraps a component that exports its functions inside the private interface into one that exports them
 * at top level, as the contract's world wants them.
 *
 * Why: the QuickJS componentizer has an `init` of its own, so a world with a top-level `init` cannot be
 * linked; and that leftover `init` must not be reachable from outside either.
 *
 * @param {Uint8Array} inner component of the inner world
 * @param {string} wit text of `deriveWit`
 * @returns {Promise<Uint8Array>} component of exactly the outer world
 */
export async function wrapGuest(inner, wit) {
  const dummy = await componentNew(await componentEmbed({ dummy: true, witSource: wit, world: outerWorld }))
  const shell = await parse(shellText(await print(dummy)))
  const wrapped = embedInner(shell, inner)
  const [expected, actual] = await Promise.all([componentWit(dummy), componentWit(wrapped)])
  if (expected !== actual) {
    throw new Error(
      `The wrapped component has another world than its contract:\n${actual}\nwanted:\n${expected}`,
    )
  }
  return wrapped
}
