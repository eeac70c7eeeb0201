import { describe, expect, it } from 'vitest'
import type { ExternShape, WorldShape } from '../../shared/component/world.ts'
import { defaultLimits } from '../../shared/domain/limits.ts'
import { PaddockError } from '../../shared/errors.ts'
import { knownCapabilities } from '../contracts/registry.ts'
import { contractWorld } from '../contracts/shapes.ts'
import { assess, type Assessment, type AssessmentContext } from './assess.ts'
import { capabilityStandings, linkCapabilities, needsConsent } from './grants.ts'
import { bareManifest, parseManifest } from './manifest/read-manifest.ts'
import type { ModuleManifest } from './manifest/model.ts'

const sha256 = 'ab'.repeat(32)
const eventWorld = contractWorld('nexum:host/event-module@0.2.0') as WorldShape
const shepherdWorld = contractWorld('shepherd:cow/shepherd@0.2.0') as WorldShape
const provided = new Set(['chain', 'local-store', 'logging', 'clock', 'random'])
const context: AssessmentContext = {
  providedCapabilities: provided,
  chains: [
    { chainId: '1', name: 'Ethereum', hasEndpoint: true },
    { chainId: '8453', name: 'Base', hasEndpoint: false },
  ],
}

function manifest(body = '', file = '/b/paddock.toml'): ModuleManifest {
  return parseManifest(file, new TextEncoder().encode(`[module]\nname = "demo"\n${body}`), {
    knownCapabilities: knownCapabilities(),
  })
}

/** The event-module world with only these of its interfaces imported. */
function world(...interfaces: string[]): WorldShape {
  const imports = eventWorld.imports.filter(
    (extern) =>
      extern.kind === 'type' ||
      ['types', ...interfaces].some((name) => extern.name === `nexum:host/${name}@0.2.0`),
  )
  return { imports, exports: eventWorld.exports }
}

function empty(name: string): ExternShape {
  return { kind: 'interface', name, interface: { name, functions: {}, types: {} } }
}

function judge(of: ModuleManifest, shape: WorldShape, more: Partial<AssessmentContext> = {}): Assessment {
  return assess(of, { sha256, sizeBytes: 10, world: shape }, { ...context, ...more })
}

function failure(run: () => unknown): PaddockError {
  try {
    run()
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
  throw new Error('It was accepted.')
}

/** A deep copy in which every text of that value is another. */
function renamed(shape: WorldShape, from: string, to: string): WorldShape {
  return JSON.parse(JSON.stringify(shape).replaceAll(`"${from}"`, `"${to}"`)) as WorldShape
}

describe('contract and imports', () => {
  it('matches the event module, with all or none of its imports', () => {
    const body =
      '[capabilities]\nrequired = ["chain", "local-store", "logging", "clock", "random"]\noptional = ["identity", "remote-store", "messaging", "http"]'
    expect(judge(manifest(body), eventWorld).contract).toEqual({
      id: 'event-module', title: 'Event module', world: 'nexum:host/event-module@0.2.0',
    }) // prettier-ignore
    expect(judge(manifest(), { imports: [], exports: eventWorld.exports }).capabilities).toEqual([])
  })

  it('matches the shepherd world when its order book is imported', () => {
    const body = '[capabilities]\noptional = ["cow-api"]'
    const cow = shepherdWorld.imports.filter(
      (extern) => extern.kind === 'type' || /types|cow-api/.test(extern.name),
    )
    const result = judge(manifest(body), { imports: cow, exports: shepherdWorld.exports })
    expect(result.contract.world).toBe('shepherd:cow/shepherd@0.2.0')
  })

  it.each([
    ['nothing', []],
    ['init only', eventWorld.exports.filter((extern) => extern.name === 'init')],
  ])('refuses exports: %s', (_, exports) => {
    const error = failure(() => judge(manifest(), { imports: [], exports }))
    expect(error.code).toBe('component.invalid_world')
    expect(error.details).toMatchObject({ exports: exports.map((extern) => extern.name) })
  })

  it('lists every import that nobody provides', () => {
    const unknown = [
      'acme:db/sql@1.0.0',
      'wasi:nn/graph@0.2.0',
      'wasi:http/outgoing-handler@0.3.0',
      'nexum:host/teleport@0.2.0',
    ]
    const shape = {
      imports: [
        ...world('logging').imports,
        ...unknown.map(empty),
        { kind: 'function' as const, name: 'helper', function: { async: false, params: [] } },
      ],
      exports: eventWorld.exports,
    }
    const error = failure(() => judge(manifest('[capabilities]\nrequired = ["logging"]'), shape))
    expect(error.code).toBe('component.unknown_imports')
    expect(error.details).toMatchObject({ imports: [...unknown, 'helper'] })
  })

  it('provides WASI of any 0.2 version without a grant, and its HTTP as "http"', () => {
    const wasi = [
      'wasi:cli/environment@0.2.0',
      'wasi:io/streams@0.2.3',
      'wasi:clocks/wall-clock@0.2.12',
      'wasi:sockets/tcp@0.2.10',
    ]
    expect(judge(manifest(), { imports: wasi.map(empty), exports: eventWorld.exports }).capabilities).toEqual(
      [],
    )
    const error = failure(() =>
      judge(manifest(), { imports: [empty('wasi:http/types@0.2.3')], exports: eventWorld.exports }),
    )
    expect(error.code).toBe('component.capability_violation')
    expect(error.details).toEqual({ capability: 'http', imports: ['wasi:http/types@0.2.3'] })
  })

  it.each([
    ['a renamed case', renamed(eventWorld, 'logs', 'chain-logs'), 'logs'],
    ['a renamed field', renamed(eventWorld, 'timestamp', 'time'), 'timestamp'],
    [
      'another version',
      renamed(eventWorld, 'nexum:host/chain@0.2.0', 'nexum:host/chain@0.1.0'),
      'nexum:host/chain@0.1.0',
    ],
  ])('refuses another dialect: %s', (_, shape, mismatch) => {
    const all = `[capabilities]\noptional = ${JSON.stringify(knownCapabilities())}`
    const error = failure(() => judge(manifest(all), shape))
    expect(error.code).toBe('component.unsupported_dialect')
    expect(error.details?.['mismatch']).toContain(mismatch)
  })

  it('takes a compatible version', () => {
    const shape = renamed(world('logging'), 'nexum:host/logging@0.2.0', 'nexum:host/logging@0.2.7')
    expect(judge(manifest('[capabilities]\nrequired = ["logging"]'), shape).capabilities[0]?.imports).toEqual(
      ['nexum:host/logging@0.2.7'],
    )
  })
})

describe('digests', () => {
  const pin = (value: string): ModuleManifest => manifest(`digest = "sha256:${value}"`)
  it('spec nexum-host 18 row 14: checks the pins of manifest and operator', () => {
    const bad = '1'.repeat(64)
    expect(judge(pin(sha256), world()).pinned).toBe(true)
    expect(judge(manifest(), world(), { operatorPin: sha256 }).pinned).toBe(true)
    const byManifest = failure(() => judge(pin(bad), world(), { operatorPin: sha256 }))
    expect(byManifest).toMatchObject({
      code: 'component.digest_mismatch',
      details: { pin: 'manifest', declared: bad, actual: sha256 },
    })
    const byOperator = failure(() => judge(pin(sha256), world(), { operatorPin: bad }))
    expect(byOperator).toMatchObject({
      code: 'component.digest_mismatch',
      details: { pin: 'operator', declared: bad },
    })
  })

  it('spec nexum-host 18 row 15: says that there is no pin, with the digest, or refuses when one is required', () => {
    const result = judge(manifest(), world())
    expect(result.pinned).toBe(false)
    expect(result.componentSha256).toBe(sha256)
    expect(failure(() => judge(manifest(), world(), { requirePin: true })).code).toBe('manifest.bad_digest')
  })
})

describe('capabilities (spec nexum-host 6.2)', () => {
  it.each([
    ['required, provided', 'required = ["chain"]', 'chain', ['chain'], 'provided', 'granted'],
    ['required, refused', 'required = ["chain"]', 'chain', [], 'denied', 'refused'],
    ['optional, provided', 'optional = ["chain"]', 'chain', ['chain'], 'provided', 'granted'],
    ['optional, missing', 'optional = ["http"]', 'http', ['http'], 'unsupported', 'unsupported'],
    ['denied, provided', 'denied = ["chain"]', 'chain', ['chain'], 'denied', 'refused'],
    ['denied, missing', 'denied = ["http"]', 'http', ['http'], 'denied', 'refused'],
    ['harmless, not granted', 'required = ["logging"]', 'logging', [], 'provided', 'granted'],
  ])('%s', (_, lists, name, granted, linkage, verdict) => {
    const result = judge(manifest(`[capabilities]\n${lists}`), world(name))
    expect(linkCapabilities(result, granted)).toEqual({ [name]: linkage })
    expect(capabilityStandings(result, granted)).toMatchObject([{ name, imported: true, verdict }])
  })

  it('refuses required and not provided, only when imported', () => {
    const body = '[capabilities]\nrequired = ["messaging"]'
    expect(failure(() => judge(manifest(body), world('messaging')))).toMatchObject({
      code: 'component.capability_unavailable', details: { capability: 'messaging' },
    }) // prettier-ignore
    expect(judge(manifest(body), world()).capabilities).toMatchObject([
      { name: 'messaging', imports: [], provided: false },
    ])
  })

  it('refuses undeclared imports, or stubs them when the operator wants so', () => {
    const error = failure(() => judge(manifest(), world('http')))
    expect(error).toMatchObject({
      code: 'component.capability_violation',
      details: { capability: 'http', imports: ['nexum:host/http@0.2.0'] },
    })
    const result = judge(manifest(), world('http'), { undeclaredImports: 'stub' })
    expect(linkCapabilities(result, ['http'])).toEqual({ http: 'denied' })
    expect(result.asks).toEqual([])
  })

  it('gives a bare component its store, log, clock and random, and denies the rest', () => {
    const result = judge(bareManifest('/x/demo.wasm'), eventWorld)
    const everything = knownCapabilities()
    expect(linkCapabilities(result, everything)).toEqual({
      chain: 'denied', identity: 'denied', 'local-store': 'provided', 'remote-store': 'denied', messaging: 'denied',
      logging: 'provided', clock: 'provided', random: 'provided', http: 'denied',
    }) // prettier-ignore
    expect(result.asks.map((ask) => ask.capability).sort()).toEqual([
      'clock',
      'local-store',
      'logging',
      'random',
    ])
  })

  it('links everything in legacy mode', () => {
    const result = judge(manifest('', '/b/nexum.toml'), eventWorld)
    expect(linkCapabilities(result, knownCapabilities())).toMatchObject({
      chain: 'provided',
      http: 'unsupported',
    })
    expect(result.capabilities.every((need) => need.asked === 'legacy')).toBe(true)
  })
})

describe('asks, limits and chains', () => {
  it('names chains in plain words and puts risky asks first', () => {
    const body = `[capabilities]
required = ["logging", "chain", "identity", "local-store"]
optional = ["http", "messaging"]
http.allow = ["*.workers.dev"]
messaging.topics = ["/a/1/b/json"]
[limits]
state_bytes = 20971520
[[subscription]]
kind = "block"
chain_id = 1
[[subscription]]
kind = "log"
chain_id = 8453`
    const { asks, chainsMissing } = judge(manifest(body), world('logging'))
    expect(asks.map((ask) => [ask.capability, ask.risky, ask.required])).toEqual([
      ['identity', true, true],
      ['http', true, false],
      ['chain', false, true],
      ['local-store', false, true],
      ['messaging', false, false],
      ['logging', false, true],
    ])
    expect(asks[2]).toMatchObject({ title: 'Read Ethereum and Base', harmless: false })
    expect(asks[2]?.detail).toMatch(/^New blocks and 1 log filter; 19 read methods\./)
    expect(asks[3]?.title).toBe('Keep up to 20 MiB on this machine')
    expect(asks[5]?.harmless).toBe(true)
    expect(chainsMissing).toEqual(['8453'])
  })

  it.each([
    ['http.allow = ["api.example.com"]', 'http', false],
    ['http.allow = ["192.168.1.4"]', 'http', true],
    ['http.allow = ["localhost"]', 'http', true],
    ['http.allow = ["[::1]"]', 'http', true],
    ['', 'messaging', true],
    ['messaging.topics = ["*"]', 'messaging', true],
    ['identity.methods = ["accounts"]', 'identity', false],
  ])('%s makes %s risky: %s', (line, capability, risky) => {
    const { asks } = judge(manifest(`[capabilities]\noptional = ["${capability}"]\n${line}`), world())
    expect(asks).toMatchObject([{ capability, risky }])
  })

  it('spec nexum-host 18 row 10: narrows and never widens, but for the operator', () => {
    const body = '[limits]\nfuel_per_event = 5\nmemory_bytes = 134217728'
    const narrowed = judge(manifest(body), world())
    expect(narrowed.limitsGiven).toEqual({ ...defaultLimits, fuelPerCall: 5 })
    expect(narrowed.warnings.some((warning) => warning.includes('134217728'))).toBe(true)
    const raised = judge(manifest(body), world(), {
      operatorLimits: { memoryBytes: 134217728, fuelPerCall: 9 },
    })
    expect(raised.limitsGiven).toEqual({ ...defaultLimits, fuelPerCall: 9, memoryBytes: 134217728 })
    expect(raised.warnings.some((warning) => warning.includes('134217728'))).toBe(false)
  })
})

describe('spec nexum-host 18 row 25: consent (6.6)', () => {
  const base =
    '[capabilities]\nrequired = ["chain"]\noptional = ["http", "messaging"]\nhttp.allow = ["*.example.com"]\nmessaging.topics = ["/a/*"]\n[chains]\nrequired = [1]'
  const first = judge(manifest(base), world('logging', 'chain'), { undeclaredImports: 'stub' })
  const installed = { granted: ['chain'], reviewed: [...first.scopes] }

  it('is asked for a new module', () => {
    expect(needsConsent(null, first)).toEqual({ needed: true, grown: first.scopes })
  })

  it('is not asked again for the same or for less, refused ones included', () => {
    expect(needsConsent(installed, first).needed).toBe(false)
    expect(needsConsent(installed, judge(manifest(), world())).needed).toBe(false)
    const other = assess(
      manifest(base),
      { sha256: '2'.repeat(64), sizeBytes: 1, world: world('chain') },
      context,
    )
    expect(needsConsent(installed, other).needed).toBe(false)
  })

  it.each([
    ['capability', base.replace('"chain"', '"chain", "identity"'), ['capability:identity', 'identity:*']],
    ['host', base.replace('"*.example.com"', '"evil.org"'), ['host:evil.org']],
    ['topic', base.replace('/a/*', '*'), ['topic:*']],
    ['chain', base.replace('[1]', '[1, 10]'), ['chain:10']],
    ['subscribed chain', `${base}\n[[subscription]]\nkind = "block"\nchain_id = 5`, ['chain:5']],
    [
      'method',
      `chain.extra_allowed_methods = ["eth_sendRawTransaction"]\n${base}`,
      ['method:eth_sendRawTransaction'],
    ],
  ])('is asked again when it grows: %s', (_, body, grown) => {
    expect(needsConsent(installed, judge(manifest(body), world()))).toEqual({ needed: true, grown })
  })

  it('is not asked for what a wildcard covers, nor for a harmless capability', () => {
    const narrower = base
      .replace('*.example.com', 'api.example.com')
      .replace('/a/*', '/a/1/b/json')
      .replace('"chain"', '"chain", "random"')
    expect(needsConsent(installed, judge(manifest(narrower), world())).needed).toBe(false)
    expect(
      needsConsent(installed, judge(manifest(base.replace('*.example.com', 'example.com')), world())).grown,
    ).toEqual(['host:example.com'])
  })
})
