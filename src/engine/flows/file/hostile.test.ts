import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { flowGraphSchema, flowProblemSchema } from '../../../shared/domain/flow.ts'
import { checkFlowFile } from './check-file.ts'

const rules = path.resolve(import.meta.dirname, '../../../../test/fixtures/flows/rules')
const texts = readdirSync(rules).map((name) => readFileSync(path.join(rules, name), 'utf8'))

/** Whatever the text, the answer is data that the console takes. */
function answers(text: string, strict: boolean): void {
  const { problems, graphs, flows } = checkFlowFile('/flows/pipeline.toml', text, {
    strict,
    environment: { HOME: '/home', TORVYN_RUNTIME_WORKER_THREADS: text.slice(0, 20) },
    overrides: { [text.slice(0, 30)]: text.slice(30, 60) },
  })
  for (const problem of problems) flowProblemSchema.parse(problem)
  for (const graph of graphs) flowGraphSchema.parse(graph)
  const fails = problems.some(({ severity }) => severity === 'error')
  if (!fails) expect(flows.length).toBe(graphs.length)
}

test('no text makes the check throw: any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.boolean(), answers), {
    numRuns: 300,
  })
})

test('no text makes the check throw: flow files with anything in the place of a value or name', () => {
  const values = fc.oneof(
    fc.constantFrom('0', '-1', '1.5', 'true', '[]', '{}', '[[1]]', '"${"', '"${X}"', "'topic:'", '1979-05-27', '{ a = { b = 1 } }', 'nan'),
    fc.string({ maxLength: 12 }).map((text) => JSON.stringify(text)),
  ) // prettier-ignore
  const files = fc.tuple(fc.constantFrom(...texts), fc.nat(), values).map(([text, at, value]) => {
    const lines = text.split('\n')
    const index = at % lines.length
    const line = lines[index] ?? ''
    lines[index] = line.includes('=') ? `${line.slice(0, line.indexOf('=') + 1)} ${value}` : line
    return lines.join('\n')
  })
  fc.assert(fc.property(files, fc.boolean(), answers), { numRuns: 1_000 })
})

test('no text makes the check throw: flow files cut and doubled anywhere', () => {
  const files = fc
    .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(), fc.string({ maxLength: 6 }))
    .map(([text, from, length, put]) => {
      const at = from % (text.length + 1)
      return `${text.slice(0, at)}${put}${text.slice(at + (length % 40))}`
    })
  fc.assert(fc.property(files, fc.boolean(), answers), { numRuns: 1_000 })
})

test('a file beyond its bounds is refused, not worked through', () => {
  const codes = (text: string): string[] =>
    checkFlowFile('/flows/pipeline.toml', text).problems.map(({ code }) => code)
  expect(codes('#'.repeat(300_000))).toEqual(['E0701'])
  const nodes = Array.from({ length: 257 }, (_, index) => `nodes.n${index} = {}`).join('\n')
  expect(codes(`[flow.main]\n${nodes}\n`)).toEqual(['E0703'])
  expect(codes('[flow.main]\n__proto__ = 1\n')).toEqual(['E0701'])
  const many = Array.from({ length: 300 }, (_, index) => `x${index} = 1`).join('\n')
  const { problems, flows } = checkFlowFile('/flows/pipeline.toml', `[flow.main]\n${many}\n`, {
    strict: true,
  })
  expect(problems).toHaveLength(200)
  expect(flows).toEqual([])
})
