import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools'
import { componentFromText, componentOf, worldComponents } from '../../../../test/support/wasm-components.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { firstMismatch } from '../../../shared/component/compare.ts'
import {
  describeWorld,
  worldShapeSchema,
  type ExternShape,
  type InterfaceShape,
  type WorldShape,
} from '../../../shared/component/world.ts'
import { readWorld } from './read-world.ts'

let components: Map<string, Uint8Array>
beforeAll(async () => {
  components = await worldComponents()
})

function codeOf(bytes: Uint8Array): string {
  try {
    readWorld(bytes)
    return 'parsed'
  } catch (thrown) {
    if (thrown instanceof PaddockError) return thrown.code
    throw thrown
  }
}

function component(...sections: number[]): Uint8Array {
  return Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, ...sections)
}

function interfaceOf(world: WorldShape, name: string): InterfaceShape {
  const found = [...world.imports, ...world.exports].find((extern) => extern.name === name)
  if (found?.kind !== 'interface') throw new Error(`no interface ${name}`)
  return found.interface
}

describe('against wasm-tools', () => {
  test('the names are those that wasm-tools prints', async () => {
    for (const bytes of components.values()) {
      const wit = await componentWit(bytes)
      const world = wit.slice(wit.indexOf('world root'), wit.indexOf('\n}'))
      const printed = (keyword: string): string[] =>
        [...world.matchAll(new RegExp(`^ +${keyword} ([^ ;]+:[^ ;]+|[a-z-]+(?=: ))`, 'gm'))]
          .map((m) => m[1] ?? '')
          .sort()
      const { imports, exports } = readWorld(bytes)
      const names = (externs: readonly ExternShape[]): string[] =>
        externs
          .filter((extern) => extern.kind !== 'type')
          .map((extern) => extern.name)
          .sort()
      expect(names(imports)).toEqual(printed('import'))
      expect(names(exports)).toEqual(printed('export'))
    }
  })
})

describe('structure', () => {
  test('every kind of type', async () => {
    const bytes = await componentOf(`
      interface all {
        resource r { constructor(a: u8); get: func() -> string; make: static func() -> r; }
        record rec { a: bool, b: char }
        variant v { x, y(rec) }
        enum e { one, two }
        flags f { red, green }
        type alias = rec;
        go: func(p: list<alias>, q: option<e>, h: borrow<r>, t: tuple<u8, s64, f32>) -> result<v, string>;
        only-error: func(f: f) -> result<_, e>;
        nothing: func();
      }
      world w { import all; }`)
    const shape = interfaceOf(readWorld(bytes), 't:t/all@0.1.0')
    const rec = {
      kind: 'record',
      name: 't:t/all#rec',
      fields: [
        { name: 'a', type: { kind: 'bool' } },
        { name: 'b', type: { kind: 'char' } },
      ],
    }
    const e = { kind: 'enum', name: 't:t/all#e', cases: ['one', 'two'] }
    expect(shape.types.alias).toEqual(rec)
    expect(shape.types.r).toEqual({ kind: 'resource', resource: 't:t/all#r' })
    expect(Object.keys(shape.functions).sort()).toEqual(
      ['[constructor]r', '[method]r.get', '[static]r.make', 'go', 'nothing', 'only-error'].sort(),
    )
    expect(shape.functions.go).toEqual({
      async: false,
      params: [
        { name: 'p', type: { kind: 'list', element: rec } },
        { name: 'q', type: { kind: 'option', value: e } },
        { name: 'h', type: { kind: 'borrow', resource: 't:t/all#r' } },
        { name: 't', type: { kind: 'tuple', elements: [{ kind: 'u8' }, { kind: 's64' }, { kind: 'f32' }] } },
      ],
      result: {
        kind: 'result',
        ok: { kind: 'variant', name: 't:t/all#v', cases: [{ name: 'x' }, { name: 'y', type: rec }] },
        err: { kind: 'string' },
      },
    })
    expect(shape.functions['only-error']?.result).toEqual({ kind: 'result', err: e })
    expect(shape.functions.nothing).toEqual({ async: false, params: [] })
  })

  test('an exported resource belongs to the interface that exports it, an imported one to its own', async () => {
    const bytes = await componentOf(`
      interface given { resource r; }
      interface made { use given.{r}; resource s; take: func(r: borrow<r>) -> s; }
      world w { import given; export made; }`)
    expect(interfaceOf(readWorld(bytes), 't:t/made@0.1.0').functions.take).toEqual({
      async: false,
      params: [{ name: 'r', type: { kind: 'borrow', resource: 't:t/given#r' } }],
      result: { kind: 'own', resource: 't:t/made#s' },
    })
  })

  test('what a component imports of another shape is named (spec nexum-host 1.3)', async () => {
    const make = (logs: string): Promise<Uint8Array> =>
      componentOf(`interface types { variant event { block(u64), ${logs}(list<u8>) } }
        world w { use types.{event}; export on-event: func(e: event); }`)
    const expected = interfaceOf(readWorld(await make('logs')), 't:t/types@0.1.0')
    const actual = interfaceOf(readWorld(await make('chain-logs')), 't:t/types@0.1.0')
    expect(firstMismatch(expected, actual)).toBe("t:t/types#event case 'logs' against 'chain-logs'")
    expect(firstMismatch(expected, expected)).toBeUndefined()
  })

  test('the world passes its own schema, and is described', () => {
    for (const bytes of components.values()) {
      const world = readWorld(bytes)
      expect(worldShapeSchema.parse(world)).toEqual(world)
    }
    const bytes = components.get('nexum:host/event-module')
    const { imports, exports } = describeWorld(readWorld(bytes ?? new Uint8Array()))
    expect(imports.find((extern) => extern.interface === 'chain')).toEqual({
      name: 'nexum:host/chain@0.2.0',
      kind: 'interface',
      package: 'nexum:host',
      interface: 'chain',
      version: '0.2.0',
      functions: ['request', 'request-batch'],
    })
    expect(exports.map((extern) => extern.name)).toEqual(['init', 'on-event'])
  })

  test('instances of nested components are followed', async () => {
    const bytes = await componentFromText(`(component
      (component $inner
        (type $own string) (import "t" (type $t (eq $own)))
        (import "f" (func $f (param "x" string)))
        (export "g" (func $f)))
      (import "host" (func $host (param "x" string)))
      (type $s string)
      (instance $i (instantiate $inner (with "t" (type $s)) (with "f" (func $host))))
      (export "a:b/c@1.0.0" (instance $i)))`)
    expect(interfaceOf(readWorld(bytes), 'a:b/c@1.0.0').functions).toEqual({
      g: { async: false, params: [{ name: 'x', type: { kind: 'string' } }] },
    })
  })
})

describe('bad input has one typed error each', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing at all', new Uint8Array(), 'component.not_wasm'],
    ['text', new TextEncoder().encode('hello, world'), 'component.not_wasm'],
    ['a zip archive', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0), 'component.not_wasm'],
    ['half the magic number', Uint8Array.of(0x00, 0x61), 'component.truncated'],
    ['a core module', Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0), 'component.core_module'],
    ['an unknown version', Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0c, 0, 1, 0), 'component.malformed'],
    ['an empty component', component(), 'parsed'],
    ['a section longer than the file', component(7, 5, 1), 'component.truncated'],
    ['a size that overflows', component(7, 0xff, 0xff, 0xff, 0xff, 0x7f), 'component.malformed'],
    ['a size without an end', component(7, 0x80, 0x80, 0x80, 0x80, 0x80, 0), 'component.malformed'],
    ['a count beyond the section', component(7, 5, 0xff, 0xff, 0xff, 0xff, 0x0f), 'component.malformed'],
    ['a section with a rest', component(7, 2, 0, 0), 'component.malformed'],
    ['an unknown section', component(42, 0), 'component.malformed'],
    ['an unknown type', component(7, 2, 1, 0x00), 'component.malformed'],
    ['a type of a later index', component(7, 3, 1, 0x6b, 0x05), 'component.malformed'],
    [
      'a record with two like fields',
      component(7, 9, 1, 0x72, 2, 1, 0x61, 0x7f, 1, 0x61, 0x7f),
      'component.malformed',
    ],
    ['a label that is not UTF-8', component(7, 6, 1, 0x72, 1, 1, 0xff, 0x7f), 'component.malformed'],
    ['a label that is __proto__', component(7, 6, 1, 0x6d, 1, 2, 0x5f, 0x5f), 'component.malformed'],
  ])('%s', (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code)
  })

  test('a malformed component tells the byte', () => {
    expect(() => readWorld(component(7, 2, 1, 0x00))).toThrow(
      expect.objectContaining({ code: 'component.malformed', details: { offset: 11 } }),
    )
  })

  test('a file over 64 MiB is not read', () => {
    expect(codeOf(new Uint8Array(64 * 1024 * 1024 + 1))).toBe('bundle.too_large')
  })

  test('nesting is capped', () => {
    let inner = component()
    for (let depth = 0; depth < 200; depth++) {
      const size = [(inner.length & 0x7f) | 0x80, ((inner.length >> 7) & 0x7f) | 0x80, inner.length >> 14]
      inner = component(4, ...size, ...inner)
    }
    expect(codeOf(inner)).toBe('component.malformed')
  })

  test('types that double at each step are refused, not written out', () => {
    const doubling = Array.from({ length: 60 }, (_, index) => [0x6f, 2, index, index]).flat()
    const body = [61, 0x6f, 1, 0x7f, ...doubling]
    const start = performance.now()
    expect(codeOf(component(7, (body.length & 0x7f) | 0x80, body.length >> 7, ...body))).toBe(
      'component.malformed',
    )
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test('components that instantiate each other doubly are refused before they take long', async () => {
    let text = '(component $c0 (type $t u8) (export "t" (type $t)))'
    for (let depth = 1; depth < 28; depth++) {
      const twice = `(instance (instantiate $c${depth - 1})) (instance (instantiate $c${depth - 1}))`
      text += `\n(component $c${depth} (alias outer 1 $c${depth - 1} (component $c${depth - 1})) ${twice})`
    }
    const bytes = await componentFromText(`(component ${text})`)
    const start = performance.now()
    expect(codeOf(bytes)).toBe('component.malformed')
    expect(performance.now() - start).toBeLessThan(3000)
  })
})

describe('whatever is done to a real component', () => {
  const allowed = [
    'parsed',
    'component.not_wasm',
    'component.core_module',
    'component.truncated',
    'component.malformed',
  ]

  test('cut anywhere, it is truncated or, at the end of a section, a smaller component', () => {
    for (const bytes of [...components.values()].slice(0, 4)) {
      for (let length = 1; length < bytes.length; length += 1 + (length % 3)) {
        const code = codeOf(bytes.subarray(0, length))
        if (code !== 'component.truncated' && code !== 'parsed')
          throw new Error(`${code} when cut at ${length}`)
      }
    }
  })

  test('with bytes changed, cut or repeated, it parses or fails with a typed error', () => {
    const all = [...components.values()]
    const edits = fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(
        fc.nat(all.length - 1),
        edits,
        fc.nat(20_000),
        fc.nat(64),
        (which, changes, at, repeated) => {
          const original = all[which] ?? component()
          const bytes = original.slice()
          for (const [position, value] of changes) bytes[position % bytes.length] = value
          const cut = at % bytes.length
          const mixed = Uint8Array.of(
            ...bytes.subarray(0, cut),
            ...bytes.subarray(Math.max(0, cut - repeated)),
          )
          expect(allowed).toContain(codeOf(bytes))
          expect(allowed).toContain(codeOf(mixed))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('arbitrary bytes after the preamble never crash or hang it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(allowed).toContain(codeOf(component(...bytes)))
      }),
      { numRuns: 3000 },
    )
  })
})
