/** What a tool asks for and when the operator is asked again (spec tools 2, 14 row declaration). */
import { beforeAll, describe, expect, test } from 'vitest'
import { handTool } from '../../../../test/support/tool-components.ts'
import type { WorldShape } from '../../../shared/component/world.ts'
import { readWorld } from '../../compiler/reader/read-world.ts'
import { assess, type Assessment } from '../../modules/assess.ts'
import { needsConsent } from '../../modules/grants.ts'
import { parseManifest } from '../../modules/manifest/read-manifest.ts'
import { toolTraits } from './contract.ts'

let world: WorldShape
beforeAll(async () => {
  world = readWorld(await handTool())
})

const head = 'schema = "tool.v1"\nid = "t"\ncomponent = "t.wasm"\n'
const operation = (effects: string): string => `[[operations]]\nid = "t.go"\neffects = [${effects}]\n`
const rule = (host: string, rest = ''): string => `[[http.allow]]\nhost = "${host}"\n${rest}\n`

function judged(body: string, effects = '"network"'): Assessment {
  const text = head + body + operation(effects)
  const manifest = parseManifest('/b/tool.toml', new TextEncoder().encode(text), { knownCapabilities: [] })
  const createSession = (): never => {
    throw new Error('nothing runs in this test')
  }
  return assess(
    manifest,
    { sha256: '0'.repeat(64), sizeBytes: 1, world },
    {
      contracts: [{ ...toolTraits, createSession }],
      providedCapabilities: new Set(['http', 'secrets', 'workspace', 'tool-invoke']),
      chains: [],
    },
  )
}

/** What is new in `later` to whoever agreed to `earlier`. */
function grown(earlier: Assessment, later: Assessment): readonly string[] {
  return needsConsent(
    { granted: earlier.capabilities.map(({ name }) => name), reviewed: [...earlier.scopes] },
    later,
  ).grown
}

const base = rule('api.example', 'path_prefix = "/v1"\nmethods = ["GET"]')
const secret = '[[credentials]]\nsecret = "key"\ninject = { type = "bearer" }\nhosts = ["api.example"]\n'

describe('spec tools 14 row declaration: an upgrade waits for consent when it asks for more', () => {
  test.each<[string, string, string[]]>([
    [
      'a new host',
      base + rule('b.example'),
      ['host:b.example', 'request:GET https://b.example:443/', 'request:HEAD https://b.example:443/'],
    ],
    [
      'a further method',
      rule('api.example', 'path_prefix = "/v1"\nmethods = ["GET", "POST"]'),
      ['request:POST https://api.example:443/v1'],
    ],
    [
      'a wider path',
      rule('api.example', 'path_prefix = "/"\nmethods = ["GET"]'),
      ['request:GET https://api.example:443/'],
    ],
    [
      'a path that only looks like one below',
      rule('api.example', 'path_prefix = "/v10"\nmethods = ["GET"]'),
      ['request:GET https://api.example:443/v10'],
    ],
    [
      'another port',
      rule('api.example', 'port = 8443\npath_prefix = "/v1"\nmethods = ["GET"]'),
      ['request:GET https://api.example:8443/v1'],
    ],
    [
      'no encryption',
      rule('api.example', 'scheme = "http"\nport = 443\npath_prefix = "/v1"\nmethods = ["GET"]'),
      ['request:GET http://api.example:443/v1'],
    ],
    ['a secret', base + secret, ['capability:secrets', 'secret:key api.example']],
    [
      'to see a secret',
      `${base}[secrets]\nvisible = ["key"]\n`,
      ['capability:secrets', 'visible-secret:key'],
    ],
    ['a folder', `${base}[workspace]\nread = ["notes/"]\n`, ['capability:workspace', 'workspace:notes/']],
    ['another tool', `${base}[tools]\nalias = { a = "b.c" }\n`, ['capability:tool-invoke', 'tool:b.c']],
  ])('%s', (_, body, expected) => {
    expect(grown(judged(base), judged(body))).toEqual(expected)
  })

  test('to change things elsewhere', () => {
    const changed = judged(base, '"network", "external_write"')
    expect(grown(judged(base), changed)).toEqual(['effect:external_write'])
  })

  test('to change things without being asked', () => {
    const effects = '"network", "external_write"'
    const asked = judged(base, effects)
    const unasked = judged(base, `${effects}]\npermission = "allow"\nallow = [0`)
    expect(grown(asked, unasked)).toEqual(['unasked-write:t.go'])
    expect(grown(unasked, asked)).toEqual([])
  })

  test('what asks for as much or less waits for nobody', () => {
    expect(grown(judged(base), judged(base))).toEqual([])
    expect(
      grown(judged(base), judged(rule('api.example', 'path_prefix = "/v1/x"\nmethods = ["GET"]'))),
    ).toEqual([])
    expect(grown(judged(base + secret), judged(base))).toEqual([])
    expect(grown(judged(rule('*.example')), judged(rule('a.example')))).toEqual([])
    const folder = '[workspace]\nread = ["notes/"]\n'
    expect(grown(judged(folder), judged(folder.replace('notes/', 'notes/today.md')))).toEqual([])
    expect(
      grown(judged('[secrets]\nvisible = ["git*"]\n'), judged('[secrets]\nvisible = ["github"]\n')),
    ).toEqual([])
  })

  test('a wildcard covers one label, not two, and no wildcard below it', () => {
    expect(grown(judged(rule('*.example')), judged(rule('a.b.example')))).toContain(
      'request:GET https://a.b.example:443/',
    )
    expect(grown(judged(rule('*.example')), judged(rule('*.b.example')))).toContain(
      'request:GET https://*.b.example:443/',
    )
  })
})

describe('what the operator is asked', () => {
  test('hosts, secrets, folders and tools are named, what may do harm comes first', () => {
    const { asks } = judged(
      `${base}${secret}[workspace]\nread = ["notes/"]\n[tools]\nalias = { a = "web.search" }\n`,
    )
    const text = JSON.stringify(asks)
    for (const name of ['api.example', '/v1', 'key', 'notes/', 'web.search']) expect(text).toContain(name)
    expect(asks.map(({ capability, risky }) => [capability, risky])).toEqual([
      ['secrets', true],
      ['workspace', true],
      ['http', false],
      ['tool-invoke', false],
    ])
    // Each may be refused by itself: what it would do is then denied.
    expect(asks.every(({ required, harmless }) => !required && !harmless)).toBe(true)
  })

  test.each([
    ['writing methods', rule('api.example', 'methods = ["DELETE"]')],
    ['a wildcard', rule('*.example')],
    ['no encryption', rule('api.example', 'scheme = "http"')],
  ])('%s are risky', (_, body) => {
    expect(judged(body).asks).toMatchObject([{ capability: 'http', risky: true }])
  })

  test('a tool that declares nothing asks for nothing', () => {
    expect(judged('')).toMatchObject({ asks: [], capabilities: [] })
  })

  test('limits are those of the declaration, and never above those of the engine', () => {
    const body = '[limits]\ntimeout_ms = 5000\nmemory_bytes = 268435456\n'
    const { limitsGiven, warnings } = judged(body)
    expect(limitsGiven).toMatchObject({ deadlineMs: 5_000, memoryBytes: 64 * 1_048_576 })
    expect(warnings).toHaveLength(1)
  })
})
