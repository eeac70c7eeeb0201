import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { maximumBudgets, maximumSqlLimits } from '../../../shared/contracts/actor-limits.ts'
import { PaddockError } from '../../../shared/errors.ts'
import { actorConfigSchema, readActorConfig } from './config.ts'

function sources(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) return sources(file)
      return file.endsWith('.ts') && !/config\.ts$|test\.ts$/.test(file) ? readFileSync(file, 'utf8') : ''
    })
    .join('\n')
}

function faultOf(table: Record<string, unknown>): unknown {
  try {
    readActorConfig(table)
  } catch (error) {
    if (error instanceof PaddockError) return [error.code, error.details?.['field']]
    throw error
  }
  return null
}

describe('spec actors-sql 20: configuration', () => {
  const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const fields = Object.keys(actorConfigSchema.shape)
  const own = sources(import.meta.dirname)
  const guest = sources(path.resolve(import.meta.dirname, '../../../sandbox/contracts/actor'))

  it.each(fields)('%s is read by the code', (field) => {
    expect(own).toMatch(new RegExp(`config\\.${field}\\b`))
  })

  it.each([...Object.keys(maximumSqlLimits), ...Object.keys(maximumBudgets)])(
    '%s is read by the database',
    (field) => {
      expect(guest).toMatch(new RegExp(`\\.${field}\\b|\\b${field}\\b`))
    },
  )

  it.each(fields)('%s takes no other value than its own, by path', (field) => {
    expect(faultOf({ [snake(field)]: 'no such thing' })).toEqual([
      'wasm.invalid_config',
      `contract.${snake(field)}`,
    ])
  })

  it.each<[Record<string, unknown>, string]>([
    [{ frobnicate: 1 }, 'contract.frobnicate'],
    [{ limits: { rows: 1 } }, 'contract.limits.rows'],
    [{ limits: { sql_bytes: maximumSqlLimits.sqlBytes + 1 } }, 'contract.limits.sql_bytes'],
    [{ budgets: { statement_ms: 10_001 } }, 'contract.budgets.statement_ms'],
    [{ actors_per_host: 17 }, 'contract.actors_per_host'],
    [{ queue_requests: 129 }, 'contract.queue_requests'],
    [{ database_bytes: 268_435_457 }, 'contract.database_bytes'],
    [{ databaseBytes: 65_536 }, 'contract.databaseBytes'],
    [{ idle_ms: 0 }, 'contract.idle_ms'],
    [{ limits: [] }, 'contract.limits'],
  ])('refuses %j at its path', (table, field) => {
    expect(faultOf(table)).toEqual(['wasm.invalid_config', field])
  })

  it('has a sentence for each field, and standards that are its maxima', () => {
    const text = readFileSync(path.join(import.meta.dirname, 'config.ts'), 'utf8')
    for (const field of fields) expect(text).toMatch(new RegExp(`/\\*\\* .*\\*/\\n  ${field}:`))
    expect(readActorConfig({})).toMatchObject({ idleMs: 30_000, graceMs: 15_000, limits: maximumSqlLimits })
    expect(readActorConfig({ database_bytes: 70_000n }).databaseBytes).toBe(69_632)
    expect(z.toJSONSchema(actorConfigSchema, { unrepresentable: 'any', io: 'input' })).toMatchObject({
      additionalProperties: false,
    })
  })
})
