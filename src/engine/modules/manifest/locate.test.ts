import fc from 'fast-check'
import { parse, stringify } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { locateKeys, pathKey, placeOf } from './locate.ts'

describe('locateKeys', () => {
  const text = [
    '# [not.a.table]',
    'a = 1 # b = 2',
    '"quoted.key" . c = """',
    'd = 1',
    '"""',
    "e = '''[x]",
    "'''",
    '[t . u]',
    'list = [ 1, # comment ]',
    '  { f = 2, g.h = "}" } ]',
    '[[s]]',
    'k = 1',
    '[[s]]',
    'k = 2',
    '[s.sub]',
    '"\\u0041" = 1979-05-27 07:32:00',
  ].join('\n')

  it.each([
    [['a'], 2, 1],
    [['quoted.key'], 3, 1],
    [['quoted.key', 'c'], 3, 16],
    [['e'], 6, 1],
    [['t', 'u'], 8, 1],
    [['t', 'u', 'list'], 9, 1],
    [['t', 'u', 'list', 1, 'f'], 10, 5],
    [['t', 'u', 'list', 1, 'g', 'h'], 10, 14],
    [['s', 0, 'k'], 12, 1],
    [['s', 1, 'k'], 14, 1],
    [['s', 1, 'sub'], 15, 1],
    [['s', 1, 'sub', 'A'], 16, 1],
  ])('finds %j', (path, line, column) => {
    expect(placeOf(locateKeys(text), path)).toEqual({ line, column })
  })

  it('finds nothing in comments and strings, and the parent of what is not there', () => {
    const places = locateKeys(text)
    for (const path of [['b'], ['d'], ['not'], ['x']]) expect(places.has(pathKey(path))).toBe(false)
    expect(placeOf(places, ['s', 1, 'missing'])).toEqual({ line: 13, column: 1 })
    expect(placeOf(places, ['missing'])).toBeNull()
  })

  it('finds every key of any document', () => {
    const key = fc
      .oneof(fc.stringMatching(/^[a-z]{1,4}$/), fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }))
      .filter((name) => name !== '__proto__')
    const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
      table: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        tie('table'),
        fc.array(tie('table'), { minLength: 1, maxLength: 3 }),
      ),
    }))
    fc.assert(
      fc.property(table, (document) => {
        const toml = stringify(document)
        const places = locateKeys(toml)
        const check = (value: unknown, path: (string | number)[]): void => {
          if (typeof value !== 'object' || value === null) return
          for (const [name, item] of Object.entries(value)) {
            const below = [...path, Array.isArray(value) ? Number(name) : name]
            const isTable = typeof item === 'object'
            // A table with nothing but tables in it may have no header of its own.
            if (!isTable) expect(places.has(pathKey(below)), `${pathKey(below)} in\n${toml}`).toBe(true)
            check(item, below)
          }
        }
        check(parse(toml), [])
      }),
    )
  })

  it('never hangs on what is no TOML', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('[', ']', '{', '}', '"', "'", '=', '.', ',', '\n', '#', 'a', '\\'),
        }),
        (text) => {
          locateKeys(text)
        },
      ),
    )
  })
})
