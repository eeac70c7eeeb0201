import { expect, test } from 'vitest'
import { ParamsCheck } from './params-check.ts'

const schema = JSON.stringify({
  $defs: { tree: { type: 'object', properties: { next: { $ref: '#/$defs/tree' } } } },
  type: 'object',
  properties: { n: { type: 'number' }, tree: { $ref: '#/$defs/tree' } },
})

test('params too deep to be checked are refused, and whoever comes next is still checked', () => {
  const check = new ParamsCheck(schema)
  expect(check.fault('{"n":1}')).toBeNull()
  const deep = `{"tree":${'{"next":'.repeat(20_000)}{}${'}'.repeat(20_000)}}`
  expect(check.fault(deep)).toContain('nested too deeply')
  expect(check.fault('{"n":"x"}')).toContain('do not match the schema')
})

test('a schema that cannot be used checks nothing', () => {
  for (const text of ['{"$ref":"https://elsewhere.example/x"}', '{"pattern":"("}', '7', '{']) {
    expect(new ParamsCheck(text).fault('{"n":1}')).toBeNull()
  }
})
