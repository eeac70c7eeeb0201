import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chainConfigSchema } from '../../shared/domain/chain.ts'
import { operatorSchema } from '../../shared/domain/operator/operator.ts'
import { configuredModuleSchema } from './configured-modules.ts'
import { emptyEngineConfig, parseEngineConfig } from './engine-config.ts'
import { writeEngineConfig, type WritableConfig } from './write-engine-config.ts'

/** Text as a file may hold it: everything but lone surrogates. */
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const url = fc
  .tuple(fc.webUrl({ validSchemes: ['http', 'https'] }), fc.constantFrom('', '/${HOME}', '/a%20b'))
  .map(([base, end]) => base + end)
const count = fc.integer({ min: 1, max: 2 ** 40 })
const time = fc.integer({ min: 1, max: 86_400_000 })
const address = fc.stringMatching(/^0x[0-9a-f]{40}$/)
const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
const chainId = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null })

const operator = fc
  .record(
    {
      engine: fc.record({
        requireComponentDigest: fc.boolean(),
        undeclaredImports: fc.constantFrom('refuse', 'stub'),
        strictBoot: fc.boolean(),
        logLevel: fc.constantFrom('info', 'warn,watch=debug', 'trace'),
      }),
      limits: fc.record({
        fuelPerEvent: count,
        eventDeadlineMs: time,
        stateBytes: fc.constantFrom(0, 5),
        chain: fc.record({ responseBodyMaxBytes: count }),
        http: fc.record({
          totalDeadlineMs: fc.integer({ min: 1, max: 86_400_000 }),
          permitDestinations: fc.constantFrom([], ['127.0.0.1', '::1', '10.0.0.0/8']),
        }),
        poison: fc.record({ maxFailures: count, windowMs: count, maxConsecutiveFailures: count }),
        dispatch: fc.record({ burst: count, refillPerSec: count, queue: count }),
        logs: fc.record({
          bytesPerRun: count,
          runsRetained: count,
          maxRecordBytes: fc.integer({ min: 1, max: 16_384 }),
        }),
      }),
      store: fc.record({ durability: fc.constantFrom('event', 'call') }),
      metrics: fc.record({ enabled: fc.boolean(), bindAddr: fc.constantFrom('127.0.0.1:0', '[::1]:9') }),
      health: fc.record({ listen: optional(fc.constant('127.0.0.1:7')), staleEventThresholdMs: time }),
      logging: fc.record({
        format: fc.constantFrom('json', 'pretty'),
        moduleLevel: optional(fc.constant('warn')),
      }),
      identity: fc.record({ keystore: optional(text), remote: optional(url) }),
      remoteStore: fc.record({ mode: fc.constantFrom('local', 'off'), api: optional(url), maxBytes: count }),
      messaging: fc.record({ retention: fc.record({ maxAgeMs: count, maxMessages: count }) }),
      content: fc.record({
        sources: fc.array(
          fc.oneof(
            fc.record({ kind: fc.constant('folder'), path: text }),
            fc.record({ kind: fc.constantFrom('http', 'oci', 'bzz', 'ipfs'), url }),
          ),
          { maxLength: 3 },
        ),
      }),
      discovery: fc.record({
        mode: fc.constantFrom('allowlist', 'auto'),
        allowedEnsNames: fc.constantFrom([], ['a.eth', 'ü.b.eth']),
        allowedRegistries: fc.array(address, { maxLength: 2 }),
        resourceLimits: fc.record({ memoryBytes: count }, { requiredKeys: [] }),
        sources: fc.array(
          fc.oneof(
            fc.record({
              source: fc.constant('ens'),
              name: fc.constant('a.eth'),
              chainId,
              pollIntervalMs: time,
            }),
            fc.record({ source: fc.constant('registry'), contract: address, chainId, fromBlock: time }),
            fc.record({ source: fc.constant('ens-watch'), resolver: address, chainId, textKey: text }),
          ),
          { maxLength: 3 },
        ),
      }),
    },
    { requiredKeys: [] },
  )
  .map((value) => operatorSchema.parse(value))

const chains = fc
  .uniqueArray(
    fc.record({
      chainId,
      name: fc.stringMatching(/^\S[^\n\r]{0,20}\S$/),
      endpoints: fc.array(fc.record({ url }), { minLength: 1, maxLength: 3 }),
      pollIntervalMs: fc.integer({ min: 250, max: 600_000 }),
      requestTimeoutMs: fc.integer({ min: 100, max: 600_000 }),
      orderbookUrl: optional(url),
      rpcPolicy: fc.record({ maxRetries: fc.integer({ min: 0, max: 20 }) }),
      extraMethods: fc.constantFrom([], ['trace_block', 'debug_traceCall']),
      requireWs: fc.boolean(),
    }),
    { selector: (each) => each.chainId, maxLength: 3 },
  )
  .map((list) => list.map((each) => chainConfigSchema.parse(each)))

const modules = fc.array(
  fc
    .record({
      path: text,
      digest: optional(hex),
      id: optional(fc.constant('watch')),
      accounts: fc.array(address, { maxLength: 2 }),
      approval: fc.constantFrom('auto', 'ask', 'deny'),
      capabilities: optional(fc.constant(['chain'])),
      limits: fc.record({ deadlineMs: count, queueEvents: count }, { requiredKeys: [] }),
    })
    .map((each) => configuredModuleSchema.parse(each)),
  { maxLength: 3 },
)

describe('an exported engine.toml', () => {
  it('reads back as the settings it was made of', () => {
    fc.assert(
      fc.property(fc.record({ operator, chains, modules }), (config: WritableConfig) => {
        const read = parseEngineConfig(writeEngineConfig(config), 'engine.toml')
        expect(read.operator).toEqual(config.operator)
        expect(read.modules).toEqual(config.modules)
        const byId = [...config.chains].sort((a, b) => a.chainId.localeCompare(b.chainId))
        expect([...read.chains].sort((a, b) => a.chainId.localeCompare(b.chainId))).toEqual(byId)
      }),
      { numRuns: 200 },
    )
  })

  it('is empty for the defaults', () => {
    expect(writeEngineConfig(emptyEngineConfig).trim()).toBe('')
  })

  it('leaves secrets out unless asked for', () => {
    const key = `0x${'12'.repeat(32)}`
    const config: WritableConfig = {
      ...emptyEngineConfig,
      operator: operatorSchema.parse({
        identity: { testKey: key, testKeyEnabled: true },
        remoteStore: { feedKey: key },
      }),
    }
    const written = writeEngineConfig(config)
    expect(written).not.toContain('1212')
    expect(written).toContain(
      '# Not written, because they are secret: identity.test_key, remote_store.feed_key',
    )
    expect(parseEngineConfig(writeEngineConfig(config, { withSecrets: true }), 'f').operator).toEqual(
      config.operator,
    )
  })
})
