import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Cron } from 'croner'
import { describe, expect, it } from 'vitest'
import { PaddockError } from '../../../shared/errors.ts'
import { subscriptionSchema } from '../../../shared/domain/module.ts'
import { knownCapabilities } from '../../contracts/registry.ts'
import { cronFault } from './cron-schedule.ts'
import type { ModuleManifest } from './model.ts'
import { bareManifest, parseManifest } from './read-manifest.ts'

const context = { knownCapabilities: knownCapabilities() }
const head = '[module]\nname = "demo"\n'

function parse(text: string | Uint8Array, file = '/b/paddock.toml'): ModuleManifest {
  return parseManifest(file, typeof text === 'string' ? new TextEncoder().encode(text) : text, context)
}

function failure(text: string | Uint8Array, file?: string): PaddockError {
  try {
    parse(text, file)
  } catch (error) {
    if (error instanceof PaddockError) return error
    throw error
  }
  throw new Error('The manifest was accepted.')
}

describe('the example manifests', () => {
  it('reads block-logger', async () => {
    const file = resolve(import.meta.dirname, '../../../../modules/block-logger/paddock.toml')
    const manifest = parseManifest(file, await readFile(file), context)
    expect(manifest.name).toBe('block-logger')
    expect(manifest.capabilities).toMatchObject({ policy: 'declared', required: ['logging', 'local-store'] })
    expect(manifest.subscriptions).toEqual([{ kind: 'block', chainId: '31337', backfill: true }])
    expect(manifest.config).toEqual([['name', 'block-logger']])
    expect(manifest.warnings).toEqual([])
  })

  it('reads balance-watch', async () => {
    const file = resolve(import.meta.dirname, '../../../../modules/balance-watch/paddock.toml')
    const manifest = parseManifest(file, await readFile(file), context)
    expect(manifest.subscriptions.map((entry) => entry.kind)).toEqual(['block', 'cron'])
    expect(manifest.config.map(([key]) => key)).toEqual(['addresses', 'warn_above_wei', 'warn_below_wei'])
    expect(manifest.config[0]?.[1]).toBe(
      '["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"]',
    )
  })
})

describe('paddock.toml', () => {
  it('reads everything into the model', () => {
    const digest = 'AB'.repeat(32)
    const manifest = parse(`
[module]
name = "all"
version = "1.2.3"
description = "d"
authors = ["a", "b"]
component = "build/all.wasm"
digest = "sha256:${digest}"
[module.restart]
max_consecutive_failures = 3
[module.chain]
extra_allowed_methods = ["debug_traceCall"]
[module.state]
durability = "call"
[capabilities]
required = ["chain", "http"]
optional = ["messaging", "identity"]
denied = ["random"]
http.allow = ["api.example.com"]
identity.methods = ["accounts"]
messaging.topics = ["/a/1/b/json"]
[limits]
fuel_per_event = 5
memory_bytes = 6
deadline_ms = 7
state_bytes = 0
queue_events = 8
[chains]
required = [1, 18446744073709551615]
optional = [10]
[contract]
anything = { goes = 1 }
`)
    expect(manifest).toMatchObject({
      source: { dialect: 'paddock', file: '/b/paddock.toml' },
      name: 'all',
      version: '1.2.3',
      authors: ['a', 'b'],
      component: { file: 'build/all.wasm', sha256: digest.toLowerCase(), reference: null },
      capabilities: {
        required: ['chain', 'http'],
        optional: ['messaging', 'identity'],
        denied: ['random'],
        httpAllow: ['api.example.com'],
        identityMethods: ['accounts'],
        messagingTopics: ['/a/1/b/json'],
      },
      limits: { fuelPerCall: 5, memoryBytes: 6, deadlineMs: 7, storeBytes: 0, queueEvents: 8 },
      chains: { required: ['1', '18446744073709551615'], optional: ['10'] },
      extraChainMethods: ['debug_traceCall'],
      restart: { maxConsecutiveFailures: 3 },
      durability: 'call',
      config: [['name', 'all']],
    })
    expect(manifest.contractTable).toMatchObject({ anything: { goes: 1n } })
  })

  it.each([
    ['top level', `${head}nmae = 1`, { key: 'module.nmae', line: 3, column: 1, suggestion: 'name' }],
    ['unknown table', `${head}[capabilites]\n`, { key: 'capabilites', line: 3, suggestion: 'capabilities' }],
    [
      'limit',
      `${head}[limits]\nfuel_per_evnt = 1`,
      { key: 'limits.fuel_per_evnt', line: 4, suggestion: 'fuel_per_event' },
    ],
    [
      'nexum resources',
      `${head}[module.resources]\nmax_memory_bytes = 1`,
      { key: 'module.resources', line: 3 },
    ],
    ['inline', `${head}capabilities = { requierd = [] }`, { key: 'module.capabilities', line: 3 }],
    [
      'subscription',
      `${head}[[subscription]]\nkind = "block"\nchain_id = 1\nchian = 2`,
      { key: 'subscription[1].chian', line: 6 },
    ],
    [
      'after a long string',
      `${head}description = """\n[limits]\nx = 1\n"""\nfoo = 1`,
      { key: 'module.foo', line: 7, suggestion: null },
    ],
  ])('refuses an unknown key (%s) by place and nearest spelling', (_, text, details) => {
    const error = failure(text)
    expect(error.code).toBe('manifest.unknown_key')
    expect(error.details).toMatchObject({ file: '/b/paddock.toml', ...details })
    expect((error.details?.['allowed'] as string[]).length).toBeGreaterThan(0)
    expect(error.message).toContain(`/b/paddock.toml:${details.line}:`)
  })

  it.each([
    ['name', '[module]\nname = 3', 'module.name', 2, 'a whole number'],
    ['authors', `${head}authors = "me"`, 'module.authors', 3, 'a text'],
    ['author', `${head}authors = ["me", 1]`, 'module.authors[2]', 3, 'a whole number'],
    ['limit', `${head}[limits]\nmemory_bytes = "64 MiB"`, 'limits.memory_bytes', 4, 'a text'],
    ['float', `${head}[limits]\nmemory_bytes = 1.5`, 'limits.memory_bytes', 4, 'a number with a fraction'],
    ['table', `module = 1`, 'module', 1, 'a whole number'],
    ['capabilities', `capabilities = [1]\n${head}`, 'capabilities', 1, 'a list'],
    ['config', `config = 1\n${head}`, 'config', 1, 'a whole number'],
    ['date', `${head}version = 2020-01-01`, 'module.version', 3, 'a date'],
    ['chains', `${head}[chains]\nrequired = ["mainnet"]`, 'chains.required[1]', 4, 'a text'],
  ])('refuses a wrong type: %s', (_, text, key, line, found) => {
    const error = failure(text)
    expect(error.code).toBe('manifest.wrong_type')
    expect(error.details).toMatchObject({ key, line, found })
    expect(error.details?.['allowed']).toBeTruthy()
  })

  it.each([
    ['zero fuel', `${head}[limits]\nfuel_per_event = 0`, 'limits.fuel_per_event'],
    ['beyond 2^53', `${head}[limits]\nmemory_bytes = 9223372036854775807`, 'limits.memory_bytes'],
    ['chain id', `${head}[chains]\nrequired = [-1]`, 'chains.required[1]'],
    ['durability', `${head}[module.state]\ndurability = "never"`, 'module.state.durability'],
    [
      'identity method',
      `${head}[capabilities]\nidentity.methods = ["steal"]`,
      'capabilities.identity.methods[1]',
    ],
    ['component path', `${head}component = "../x.wasm"`, 'module.component'],
    ['absolute component', `${head}component = "/x.wasm"`, 'module.component'],
    ['backslash component', `${head}component = 'a\\x.wasm'`, 'module.component'],
  ])('refuses a value out of range: %s', (_, text, key) => {
    const error = failure(text)
    expect(error.code).toBe('manifest.wrong_type')
    expect(error.details).toMatchObject({ key })
    expect(error.details?.['allowed']).toBeTruthy()
  })

  it.each(['', '  ', ' x ', 'a/b', 'a\\\\b', '..', 'a..b', 'x\\n', 'x'.repeat(129)])(
    'spec nexum-host 18 row 9: refuses the name %j',
    (name) => {
      const error = failure(`[module]\nname = "${name}"`)
      expect(error.code).toBe('manifest.bad_name')
      expect(error.details).toMatchObject({ key: 'module.name', line: 2 })
    },
  )

  it('needs a name', () => {
    expect(failure('').code).toBe('manifest.bad_name')
    expect(failure('[module]\nversion = "1"').details).toMatchObject({ line: 1, key: 'module.name' })
  })

  it('spec nexum-host 18 row 13: lists the capabilities known', () => {
    const error = failure(`${head}[capabilities]\nrequired = [\n  "chain",\n  "loging",\n]`)
    expect(error.code).toBe('manifest.unknown_capability')
    expect(error.details).toMatchObject({
      capability: 'loging',
      suggestion: 'logging',
      line: 6,
      allowed: context.knownCapabilities,
    })
  })

  it.each([
    ['two lists', 'required = ["chain"]\ndenied = ["chain"]', ['required', 'denied']],
    ['one list twice', 'optional = ["chain", "chain"]', ['optional', 'optional']],
  ])('refuses a capability in %s', (_, lists, names) => {
    const error = failure(`${head}[capabilities]\n${lists}`)
    expect(error.code).toBe('manifest.capability_conflict')
    expect(error.details).toMatchObject({ capability: 'chain', lists: names })
  })

  it.each([
    'abc',
    `sha256:0x${'1'.repeat(64)}`,
    `sha256:${'1'.repeat(63)}`,
    `bzz:${'1'.repeat(64)}`,
    'sha256:',
  ])('refuses the digest %j', (digest) => {
    const error = failure(`${head}digest = "${digest}"`)
    expect(error.code).toBe('manifest.bad_digest')
    expect(error.details).toMatchObject({ key: 'module.digest', line: 3 })
  })

  it('refuses a reference and a digest that disagree', () => {
    const error = failure(
      `${head}component = "sha256:${'1'.repeat(64)}"\ndigest = "sha256:${'2'.repeat(64)}"`,
    )
    expect(error.code).toBe('manifest.bad_digest')
  })

  it('takes the all-zero digest for no pin', () => {
    expect(parse(`${head}digest = "sha256:${'0'.repeat(64)}"`).component.sha256).toBeNull()
  })
})

describe('nexum.toml', () => {
  const file = '/b/nexum.toml'

  it('warns of unknown keys and loads', () => {
    const manifest = parse(`${head}flavour = "new"\n[capabilities]\nrequired = []\n[extra]\nx = 1\n`, file)
    expect(manifest.source.dialect).toBe('nexum')
    expect(manifest.warnings).toHaveLength(2)
    expect(manifest.warnings[0]).toMatch(/^line 3: .*"flavour"/)
    expect(manifest.warnings[1]).toMatch(/^line 6: .*"extra"/)
  })

  it('bounds the warnings', () => {
    const keys = Array.from({ length: 500 }, (_, index) => `k${index} = 1`).join('\n')
    expect(parse(`${head}${keys}\n[capabilities]\n`, file).warnings.length).toBe(50)
  })

  it('is in legacy mode without capabilities', () => {
    const manifest = parse(head, '/b/module.toml')
    expect(manifest.capabilities.policy).toBe('legacy')
    expect(manifest.warnings).toHaveLength(1)
  })

  it('reads resources and a sha256 reference', () => {
    const manifest = parse(
      `${head}component = "sha256:${'a'.repeat(64)}"\n[module.resources]\nmax_memory_bytes = 1\nmax_fuel_per_event = 2\nmax_state_bytes = 3\n[capabilities]`,
      file,
    )
    expect(manifest.component).toMatchObject({ file: 'module.wasm', sha256: 'a'.repeat(64) })
    expect(manifest.limits).toEqual({ memoryBytes: 1, fuelPerCall: 2, storeBytes: 3 })
  })

  it.each(['', `sha256:${'0'.repeat(64)}`, `bzz:${'0'.repeat(64)}`])(
    'spec nexum-host 18 row 15: takes %j for unpinned',
    (reference) => {
      const manifest = parse(`${head}component = "${reference}"\n[capabilities]`, file)
      expect(manifest.component.sha256).toBeNull()
      expect(manifest.warnings).toEqual([])
    },
  )

  it.each([
    `bzz:${'1'.repeat(64)}`,
    'ipfs:bafybeigdyrzt5',
    'oci:ghcr.io/a/b:1',
    'https://a.example/b.tar.gz',
  ])('keeps %j as a reference that is not checked here', (reference) => {
    const manifest = parse(`${head}component = "${reference}"\n[capabilities]`, file)
    expect(manifest.component).toMatchObject({ sha256: null, reference })
    expect(manifest.warnings).toHaveLength(1)
  })

  it('takes the pin from an https suffix', () => {
    const manifest = parse(
      `${head}component = "https://a.example/m.wasm#sha256=${'B'.repeat(64)}"\n[capabilities]`,
      file,
    )
    expect(manifest.component.sha256).toBe('b'.repeat(64))
  })

  it.each(['module.wasm', 'sha256:12', `sha256:0x${'1'.repeat(62)}`, 'ftp:x', `bzz:${'g'.repeat(64)}`])(
    'refuses the reference %j',
    (text) => {
      const error = failure(`${head}component = "${text}"`, file)
      expect(error.code).toBe('manifest.bad_digest')
      expect(error.details).toMatchObject({ key: 'module.component', line: 3 })
    },
  )
})

describe('spec nexum-host 18 row 11: subscriptions', () => {
  const address = `0x${'aB'.repeat(20)}`
  const topic = `0x${'cD'.repeat(32)}`

  it('reads every kind', () => {
    const { subscriptions } = parse(`${head}
[[subscription]]
kind = "block"
chain_id = 1
backfill = false
[[subscription]]
kind = "chain-log"
chain_id = 2
address = "${address}"
event_signature = "${topic}"
[[subscription]]
kind = "log"
chain_id = 3
address = ["${address}", "${address}"]
topics = ["", ["${topic}", "${topic}"], "${topic}"]
resume = true
max_lookback = 7
batch = true
[[subscription]]
kind = "cron"
schedule = " */5  0-6,12 1 jan-mar mon "
[[subscription]]
kind = "message"
content_topic = "/app/1/name/json"
echo = true
`)
    const lower = topic.toLowerCase()
    expect(subscriptions).toEqual([
      { kind: 'block', chainId: '1', backfill: false },
      {
        kind: 'log',
        chainId: '2',
        addresses: [address.toLowerCase()],
        topics: [[lower]],
        resume: false,
        maxLookback: null,
        batch: false,
      },
      {
        kind: 'log', chainId: '3', addresses: [address.toLowerCase(), address.toLowerCase()],
        topics: [null, [lower, lower], [lower]], resume: true, maxLookback: 7, batch: true,
      }, // prettier-ignore
      { kind: 'cron', schedule: '*/5 0-6,12 1 jan-mar mon' },
      { kind: 'message', contentTopic: '/app/1/name/json', echo: true },
    ])
    for (const subscription of subscriptions)
      expect(subscriptionSchema.parse(subscription)).toEqual(subscription)
  })

  it.each([
    ['no kind', 'chain_id = 1', 'kind'],
    ['unknown kind', 'kind = "intent"', 'kind'],
    ['no chain', 'kind = "block"', 'chain_id'],
    ['chain as text', 'kind = "block"\nchain_id = "1"', 'chain_id'],
    ['19-byte address', `kind = "log"\nchain_id = 1\naddress = "0x${'a'.repeat(38)}"`, 'address'],
    ['address in a list', `kind = "log"\nchain_id = 1\naddress = ["0x"]`, 'address[1]'],
    ['no address in a list', `kind = "log"\nchain_id = 1\naddress = []`, 'address'],
    ['31-byte topic', `kind = "log"\nchain_id = 1\ntopics = ["0x${'a'.repeat(62)}"]`, 'topics[1]'],
    ['topic within a list', `kind = "log"\nchain_id = 1\ntopics = ["", ["0x"]]`, 'topics[2][1]'],
    ['five topics', 'kind = "log"\nchain_id = 1\ntopics = ["", "", "", "", ""]', 'topics'],
    ['signature', 'kind = "log"\nchain_id = 1\nevent_signature = "Transfer"', 'event_signature'],
    [
      'disagreement',
      `kind = "log"\nchain_id = 1\nevent_signature = "${topic}"\ntopics = [""]`,
      'event_signature',
    ],
    ['no schedule', 'kind = "cron"', 'schedule'],
    ['six fields', 'kind = "cron"\nschedule = "* * * * * *"', 'schedule'],
    ['no topic', 'kind = "message"', 'content_topic'],
    ['bad topic', 'kind = "message"\ncontent_topic = "/a/b"', 'content_topic'],
    ['topic with blank', 'kind = "message"\ncontent_topic = "/a/1/b c/json"', 'content_topic'],
  ])('refuses %s, naming the entry from 1', (_, body, key) => {
    const error = failure(
      `${head}[[subscription]]\nkind = "block"\nchain_id = 1\n[[subscription]]\n${body}\n`,
    )
    expect(error.code).toBe('manifest.bad_subscription')
    expect(error.details).toMatchObject({ key: `subscription[2].${key}` })
    expect(error.details?.['line']).toBeGreaterThanOrEqual(6)
  })

  it('agrees when both spellings of topic 0 are the same', () => {
    const { subscriptions } = parse(
      `${head}[[subscription]]\nkind = "log"\nchain_id = 1\nevent_signature = "${topic}"\ntopics = ["${topic}"]`,
    )
    expect(subscriptions[0]).toMatchObject({ topics: [[topic.toLowerCase()]] })
  })

  it('warns of a filter that matches everything', () => {
    expect(parse(`${head}[[subscription]]\nkind = "log"\nchain_id = 1`).warnings).toHaveLength(1)
  })

  it('bounds their number', () => {
    const error = failure(head + '[[subscription]]\nkind = "block"\nchain_id = 1\n'.repeat(257))
    expect(error.details).toMatchObject({ key: 'subscription', allowed: 256 })
  })

  it.each(['* * * * *', '*/15 0-23/2 1,15 JAN,jun sun-fri', '0 0 29 2 7', '59 23 31 12 0'])(
    'takes the schedule %j, and so does croner',
    (schedule) => {
      expect(cronFault(schedule)).toBeNull()
      expect(() => new Cron(schedule, { timezone: 'UTC', paused: true })).not.toThrow()
    },
  )

  it.each([
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '5/2 * * * *',
    'a * * * *',
    '@daily',
    '* * L * *',
    ', * * * *',
  ])('refuses the schedule %j', (schedule) => {
    expect(cronFault(schedule)).not.toBeNull()
  })
})

describe('hostile manifests', () => {
  it.each([
    ['no TOML', 'this is not toml', 1],
    ['duplicate key', `${head}name = "again"`, 3],
    ['duplicate table', `${head}[limits]\n[limits]`, 4],
    ['unclosed string', '[module]\nname = "x', 2],
    ['NUL', `${head}\n# \0`, 4],
    ['__proto__ key', `${head}[config]\n__proto__ = 1`, 4],
    ['__proto__ table', `${head}[config.__proto__]\npolluted = true`, 3],
    ['__proto__ in a list', `${head}[config]\nx = [{ "__proto__" = 1 }]`, 4],
    ['deep arrays', `${head}[config]\nx = ${'['.repeat(200)}${']'.repeat(200)}`, 4],
  ])('%s is a syntax error with its line', (_, text, line) => {
    const error = failure(text)
    expect(error.code).toBe('manifest.syntax')
    expect(error.details).toMatchObject({ file: '/b/paddock.toml', line })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('refuses deep dotted keys without ending the stack', () => {
    expect(failure(`${head}[config]\n${'a.'.repeat(50_000)}b = 1`).code).toBe('manifest.syntax')
    expect(failure(`${head}[config.${'a.'.repeat(50_000)}b]`).code).toBe('manifest.syntax')
  })

  it('refuses what is too large and what is no UTF-8', () => {
    expect(failure(new Uint8Array(256 * 1024 + 1).fill(35)).details).toMatchObject({ allowed: 256 * 1024 })
    expect(failure(Uint8Array.of(0x5b, 0xff, 0xfe)).code).toBe('manifest.syntax')
  })

  it('reads a byte order mark and CRLF, and keeps its lines right', () => {
    expect(parse(`\ufeff${head.replaceAll('\n', '\r\n')}`).name).toBe('demo')
    expect(failure('\ufeff[module]\r\nname = "x"\r\nnmae = 1\r\n').details).toMatchObject({
      line: 3,
      column: 1,
    })
  })

  it('keeps "constructor" and other names of Object as plain keys', () => {
    expect(parse(`${head}[config]\nconstructor = 1\ntoString = "x"`).config).toEqual([
      ['constructor', '1'],
      ['toString', 'x'],
    ])
    expect(failure(`${head}constructor = 1`).code).toBe('manifest.unknown_key')
  })
})

describe('a bare component', () => {
  it.each([
    ['/x/price-alert.wasm', 'price-alert'],
    ['/x/A.WASM', 'A'],
    ['/x/a..b.wasm', 'a-b'],
    ['/x/.wasm', 'module'],
    ['/x/ .wasm', 'module'],
  ])('%s is named %s', (path, name) => {
    const manifest = bareManifest(path)
    expect(manifest).toMatchObject({
      name,
      subscriptions: [],
      config: [['name', name]],
      source: { dialect: 'none', file: null },
    })
    expect(manifest.capabilities).toMatchObject({ policy: 'none', required: [], httpAllow: [] })
    expect(manifest.warnings).toHaveLength(1)
  })
})
