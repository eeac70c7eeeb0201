import { describe, expect, it } from 'vitest'
import { chainConfigSchema } from '../chain.ts'
import { installedModuleSchema, settingsSchema } from '../settings.ts'
import { moduleGrants } from './grants.ts'
import { parseLogThresholds } from './log-levels.ts'
import { defaultOperator, operatorSchema } from './operator.ts'

describe('the operator section of the settings', () => {
  it('has the defaults of spec nexum-host 5.3', () => {
    expect(defaultOperator.limits).toMatchObject({
      fuelPerEvent: 1_000_000_000,
      memoryBytes: 67_108_864,
      eventDeadlineMs: 120_000,
      stateBytes: 52_428_800,
      chain: { responseBodyMaxBytes: 1_048_576 },
      http: { totalDeadlineMs: 60_000, responseBodyMaxBytes: 16_777_216, permitDestinations: [] },
      poison: { maxFailures: 5, windowMs: 600_000, maxConsecutiveFailures: 10 },
      dispatch: { burst: 256, refillPerSec: 128, queue: 256 },
      logs: { bytesPerRun: 262_144, runsRetained: 16, maxRecordBytes: 8_192 },
    })
    expect(defaultOperator.metrics).toEqual({ enabled: false, bindAddr: '127.0.0.1:9100', path: '/metrics' })
    expect(defaultOperator.discovery.mode).toBe('allowlist')
  })

  it('completes settings, chains and modules that were stored before it', () => {
    expect(settingsSchema.parse({ theme: 'dark' }).operator).toEqual(defaultOperator)
    const chain = chainConfigSchema.parse({ chainId: '1', name: 'One', endpoints: [] })
    expect(chain).toMatchObject({
      maxLogRangeBlocks: 1_000,
      rpcPolicy: { maxRetries: 3, rateLimitPerSecond: 50 },
    })
    const record = installedModuleSchema.parse({
      name: 'a',
      bundlePath: '/a',
      componentSha256: '0'.repeat(64),
      granted: [],
      enabled: true,
    })
    expect(moduleGrants(record)).toMatchObject({ accounts: [], approval: 'ask', digest: null })
  })

  it.each([
    { limits: { fuelPerEvent: 0 } },
    { limits: { poison: { maxFailures: 0 } } },
    { limits: { http: { connectTimeoutMaxMs: 86_400_001 } } },
    { limits: { fuel: 5 } },
    { limits: { http: { permitDestinations: ['localhost'] } } },
    { metrics: { bindAddr: '127.0.0.1:70000' } },
    { identity: { testKey: 'abc' } },
    { engine: { logLevel: 'loud' } },
  ])('refuses %j', (value) => {
    expect(operatorSchema.safeParse(value).success).toBe(false)
  })

  it('keeps addresses and keys in one spelling', () => {
    const { identity, discovery } = operatorSchema.parse({
      identity: { testKey: 'AB'.repeat(32) },
      discovery: { allowedRegistries: [`0x${'AB'.repeat(20)}`] },
    })
    expect(identity.testKey).toBe(`0x${'ab'.repeat(32)}`)
    expect(discovery.allowedRegistries).toEqual([`0x${'ab'.repeat(20)}`])
  })
})

describe('log thresholds', () => {
  it('reads a level, and levels of scopes', () => {
    expect(parseLogThresholds('warn')).toEqual({ level: 'warn', scopes: new Map() })
    expect(parseLogThresholds('info,twap=debug,engine=error')).toEqual({
      level: 'info',
      scopes: new Map([
        ['twap', 'debug'],
        ['engine', 'error'],
      ]),
    })
    expect(parseLogThresholds('twap=debug')).toMatchObject({ level: 'info' })
  })

  it.each(['', 'loud', 'info,debug', 'info,=debug', 'info,a=loud', 'info,a=debug,a=info'])(
    'refuses "%s"',
    (text) => {
      expect(parseLogThresholds(text)).toBeNull()
    },
  )
})
