import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { githubSchema } from '../../testing/tools/sample-tools.ts'
import { CallDraft } from './call-draft.svelte.ts'
import { checkParams } from './check-params.ts'
import { planForm } from './form-plan.ts'
import { lineTokens, prettyLines } from './pretty-json.ts'
import type { JsonObject } from './schema-node.ts'

const check = (schema: JsonObject, value: unknown): string[] =>
  checkParams(schema, value as JsonObject).map(({ path, text }) => [...path, text].join(' '))

describe('form of a schema', () => {
  it('has a field of each kind, what is required first', () => {
    const { fields, problem, open } = planForm(githubSchema)
    expect(problem).toBeNull()
    expect(open).toBe(false)
    expect(fields.map(({ name, kind, required }) => `${name} ${kind} ${required}`)).toEqual([
      'owner text true',
      'repo text true',
      'state choice false',
      'limit integer false',
      'labels list false',
      'drafts boolean false',
      'filter json false',
    ])
    expect(fields[3]?.limits).toBe('whole number, 1 to 100')
  })

  it.each([
    ['', /known once/],
    ['[', /not JSON/],
    ['[1]', /not a JSON object/],
    ['{"oneOf":[]}', /uses oneOf/],
    ['{"$ref":"#"}', /uses \$ref/],
    ['{"type":"array"}', /describes no object/],
    [`{"x":"${'y'.repeat(270_000)}"}`, /longer than 256/],
    [
      JSON.stringify({
        properties: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`f${index}`, {}])),
      }),
      /65 fields/,
    ],
  ])('falls back to JSON: %.40s', (schema, why) => {
    expect(planForm(schema).problem).toMatch(why)
  })

  it('takes any JSON for a schema, and any value against it, in bounded time', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.jsonValue({ maxDepth: 6 }), (schema, value) => {
        const plan = planForm(schema)
        if (plan.schema !== null)
          expect(checkParams(plan.schema, value as JsonObject).length).toBeLessThan(80)
      }),
      { numRuns: 300 },
    )
  })

  it('does not evaluate a pattern, and ends on schemas and values that are deep', () => {
    const evil = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } }
    const started = performance.now()
    expect(check(evil, { a: `${'a'.repeat(40)}!` })).toEqual([])
    let schema: JsonObject = { type: 'number' }
    let value: unknown = 'x'
    for (let level = 0; level < 5_000; level += 1) {
      schema = { properties: { n: schema } }
      value = { n: value }
    }
    expect(check(schema, value)).toEqual([])
    expect(performance.now() - started).toBeLessThan(500)
  })
})

describe('parameters against a schema', () => {
  const schema = planForm(githubSchema).schema ?? {}

  it.each([
    [{ owner: 'a' }, ['repo Required, the schema says.']],
    [{ owner: 'a', repo: 'b', limit: 500 }, ['limit At most 100, the schema says.']],
    [{ owner: 'a', repo: 'b', limit: 1.5 }, ['limit Must be a whole number, the schema says.']],
    [{ owner: '', repo: 'b' }, ['owner At least 1 characters, the schema says.']],
    [{ owner: 'a', repo: 'b', labels: [1] }, ['labels 0 Must be a text, the schema says.']],
    [{ owner: 'a', repo: 'b', state: 'none' }, ['state Must be one of the values that the schema lists.']],
    [{ owner: 'a', repo: 'b', other: 1 }, ['“other” is no name that the schema has.']],
    [{ owner: 'a', repo: 'b', limit: 100, drafts: true }, []],
  ])('%j', (value, problems) => {
    expect(check(schema, value)).toEqual(problems)
  })

  it('judges steps, open ends and repeated items', () => {
    expect(check({ multipleOf: 0.1 }, 0.3)).toEqual([])
    expect(check({ multipleOf: 2 }, 3)).toHaveLength(1)
    expect(check({ exclusiveMinimum: 1 }, 1)).toHaveLength(1)
    expect(check({ uniqueItems: true }, [1, 1])).toHaveLength(1)
    expect(check({ maxLength: 1 }, '😀')).toEqual([])
  })
})

describe('draft', () => {
  it('keeps the digits that were typed, and leaves out what was not filled in', () => {
    const draft = new CallDraft('{"properties":{"n":{"type":"integer"},"__proto__":{"type":"string"}}}')
    draft.set('n', '90071992547409931234')
    expect(draft.text).toBe('{"n":90071992547409931234}')
    draft.set('__proto__', 'x')
    expect(draft.text).toBe('{"n":90071992547409931234,"__proto__":"x"}')
    draft.toJson()
    expect(draft.json).toContain('90071992547409931234')
    expect(draft.toForm()).toBe(false)
    expect(draft.formProblem).toMatch(/cannot show/)
    expect(draft.mode).toBe('json')
  })

  it('goes from the form to JSON and back, with what the form has no field for', () => {
    const draft = new CallDraft('{"properties":{"tags":{"type":"array","items":{"type":"string"}}}}')
    draft.set('tags', 'a\nb\n')
    draft.toJson()
    expect(JSON.parse(draft.json)).toEqual({ tags: ['a', 'b'] })
    draft.json = '{"tags":["c"],"other":{"deep":true}}'
    expect(draft.toForm()).toBe(true)
    expect(draft.value('tags')).toBe('c')
    expect(draft.hidden).toEqual(['other'])
    expect(JSON.parse(draft.text)).toEqual({ tags: ['c'], other: { deep: true } })
  })

  it('tells what is missing only after a first try', () => {
    const draft = new CallDraft(githubSchema)
    const [owner] = draft.plan.fields
    expect(draft.problemOf(owner!)).toBeNull()
    expect(draft.ready).toBe(false)
    draft.tried = true
    expect(draft.problemOf(owner!)).toBe('Required, the schema says.')
    draft.set('owner', 'a')
    draft.set('repo', 'b')
    draft.set('limit', 'ten')
    expect(draft.problemOf(draft.plan.fields[3]!)).toBe('Not a number.')
    expect(draft.ready).toBe(false)
  })
})

describe('JSON in lines', () => {
  const whole = (text: string): string => [...prettyLines(text)].join('\n')

  it('says the same as the text, for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.boolean(), (value, spaced) => {
        const text = JSON.stringify(value, null, spaced ? 1 : undefined)
        expect(JSON.parse(whole(text))).toEqual(JSON.parse(text))
      }),
      { numRuns: 400 },
    )
  })

  it('puts what is short on one line and keeps digits', () => {
    expect(whole('[{"number":12345678901234567890,"labels":["bug","delay"]}]')).toBe(
      '[\n  {\n    "number": 12345678901234567890,\n    "labels": ["bug", "delay"]\n  }\n]',
    )
    expect(whole('{"a":[],"b":{}}')).toBe('{ "a": [], "b": {} }')
  })

  it('takes megabytes and depth without a long line', () => {
    const long = JSON.stringify(Array.from({ length: 300_000 }, (_, index) => index))
    const lines = [...prettyLines(long)]
    expect(JSON.parse(lines.join(''))).toHaveLength(300_000)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(100)
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    expect([...prettyLines(deep)].at(-1)).toBe(']')
    expect(whole('not json')).toBe('not\njson')
  })

  it('gives the parts of a line to colour', () => {
    expect(lineTokens('  "a": [1, "b", true]').map(({ kind, text }) => `${kind}${text}`)).toEqual([
      'p  ',
      'k"a"',
      'p:',
      'p [',
      'n1',
      'p, ',
      's"b"',
      'p, ',
      'ntrue',
      'p]',
    ])
  })
})
