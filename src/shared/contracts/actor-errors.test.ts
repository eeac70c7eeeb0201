import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorCodes } from '../errors.ts'
import { actorErrors } from './actor-errors.ts'

const source = resolve(import.meta.dirname, '../..')
const list = resolve(import.meta.dirname, 'actor-errors.ts')

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'renderer' ? [] : sources(path)
    const isSource = path.endsWith('.ts') && !path.includes('.test') && path !== list
    return isSource ? [path] : []
  })
}

const texts = sources(source).map((path) => [path, readFileSync(path, 'utf8')] as const)
/** Every literal with the form of an actor's code. */
const raised = new Set(
  texts.flatMap(([, text]) =>
    [...text.matchAll(/'((?:sqlite|actor|wasm)\.[a-z_]+)'/g)].map((match) => match[1] ?? ''),
  ),
)

describe('spec actors-sql 20: errors', () => {
  it('every code raised is listed', () => {
    expect([...raised].filter((code) => !Object.hasOwn(actorErrors, code))).toEqual([])
  })

  it('every code listed is raised', () => {
    expect(Object.keys(actorErrors).filter((code) => !raised.has(code))).toEqual([])
  })

  it('each is a code of Paddock with a remedy', () => {
    for (const [code, { remedy }] of Object.entries(actorErrors)) {
      expect(errorCodes).toHaveProperty([code], remedy)
      expect(remedy.length).toBeGreaterThan(10)
    }
  })

  it('no program of actors reads a message text', () => {
    const reading =
      /\.message\.(?:includes|startsWith|endsWith|match|indexOf|search)|\.test\(\s*\w+\.message|\.exec\(\s*\w+\.message|\.message\s*[!=]==/
    const offenders = texts
      .filter(([path, text]) => /actor/.test(path) && reading.test(text))
      .map(([path]) => path)
    expect(offenders).toEqual([])
  })
})

describe('spec actors-sql 20: import lint', () => {
  it('one file of the actor contract touches the SQL addon, one loads what was transpiled', () => {
    const actor = texts.filter(([path]) => path.includes('/sandbox/contracts/actor/'))
    const importing = (pattern: RegExp) =>
      actor.filter(([, text]) => pattern.test(text)).map(([path]) => path.split('/').pop())
    expect(importing(/from 'better-sqlite3'/)).toEqual(['connection.ts'])
    expect(importing(/await import\(/)).toEqual([])
    expect(importing(/loadArtifact/)).toEqual(['instance.ts'])
  })
})
