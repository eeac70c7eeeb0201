import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { chainSpec, operatorSpec, type TableSpec } from '../../src/engine/config/key-specs.ts'
import { chainPolicyShape } from '../../src/shared/domain/operator/chain-policy.ts'
import { moduleGrantsSchema } from '../../src/shared/domain/operator/grants.ts'
import { operatorSchema } from '../../src/shared/domain/operator/operator.ts'

const src = resolve(import.meta.dirname, '../../src')
/** Where keys are declared, translated and shown rather than acted on. */
const elsewhere = ['shared/domain/operator', 'engine/config', 'renderer']

function sources(folder: string): string[] {
  return readdirSync(join(src, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (elsewhere.includes(path)) return []
    if (entry.isDirectory()) return sources(path)
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts')
      ? [readFileSync(join(src, path), 'utf8')]
      : []
  })
}
const code = sources('.').join('\n')

/** `limits.http.totalDeadlineMs`, for each value an operator may set. */
function leaves(schema: unknown, path: readonly string[] = []): string[] {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return leaves(schema.unwrap(), path)
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([key, inner]) => leaves(inner, [...path, key]))
  return [path.join('.')]
}

function written(spec: TableSpec, path: readonly string[] = []): string[] {
  return Object.values(spec).flatMap(({ to, table }) =>
    table === undefined ? [[...path, to].join('.')] : written(table, [...path, to]),
  )
}

const operatorKeys = leaves(operatorSchema)

describe('keys of the operator', () => {
  it('are found by the walk', () => {
    expect(operatorKeys).toContain('limits.http.totalDeadlineMs')
    expect(operatorKeys.length).toBeGreaterThan(40)
  })

  it.each([...operatorKeys, ...leaves(z.object(chainPolicyShape)), ...leaves(moduleGrantsSchema)])(
    '%s is read by some code',
    (key) => {
      const name = key.split('.').at(-1)!
      expect(code).toMatch(new RegExp(`\\b${name}\\b`))
    },
  )

  it('can all be written in an engine.toml', () => {
    // Sources of discovery stand under [[modules]].
    const expected = operatorKeys.filter((key) => key !== 'discovery.sources')
    expect(written(operatorSpec).sort()).toEqual(expected.sort())
    expect(written(chainSpec)).toEqual(expect.arrayContaining(leaves(z.object(chainPolicyShape))))
  })
})
