import { describe, expect, it } from 'vitest'
import { installedModuleSchema, settingsSchema, type Settings } from '../../shared/domain/settings.ts'
import { memorySettings, type SettingsPort } from '../settings-port.ts'
import { ConfigService } from './config-service.ts'

const key = `0x${'12'.repeat(32)}`
const record = installedModuleSchema.parse({
  name: 'watch',
  bundlePath: '/bundles/watch',
  componentSha256: 'a'.repeat(64),
  granted: ['chain', 'http'],
  reviewed: ['capability:chain', 'capability:http', 'capability:identity'],
  enabled: true,
})

function create(initial: Partial<Settings> = {}): {
  service: ConfigService
  settings: SettingsPort
  applied: () => number
} {
  const settings = memorySettings(
    settingsSchema.parse({
      chains: [
        {
          chainId: '1',
          name: 'Mainnet',
          endpoints: [{ url: 'https://node.example/v3/secret-key-of-mine-1234' }],
        },
      ],
      modules: [record],
      operator: { identity: { testKey: key, testKeyEnabled: true }, remoteStore: { feedKey: key } },
      ...initial,
    }),
  )
  let count = 0
  const service = new ConfigService({
    settings,
    variables: { URL: 'ws://127.0.0.1:8545' },
    onApplied: () => {
      count += 1
    },
  })
  return { service, settings, applied: () => count }
}

describe('import and export of engine.toml', () => {
  it('changes nothing when it is given what it wrote', async () => {
    const { service, settings } = create()
    const before = settings.get()
    const text = service.export()
    expect(text).not.toContain('1212')
    expect(await service.import(text, true)).toEqual({ changes: [], modulesToLoad: [], applied: true })
    expect(settings.get()).toMatchObject({ chains: before.chains, operator: before.operator })
    expect(settings.get().modules[0]).toMatchObject({ granted: record.granted, limits: {} })
  })

  it('previews changes by key, secrets masked, and applies nothing unless told', async () => {
    const { service, settings, applied } = create()
    const before = settings.get()
    const text = `[limits]\nfuel_per_event = 7\n[chains.5]\nrpc_url = "\${URL}"\n[chains.1]\nrpc_url = "https://other.example/v3/another-secret-key-5678"
[identity]\ntest_key = "${'34'.repeat(32)}"\ntest_key_enabled = true\n[[modules]]\npath = "/bundles/new"`
    const { changes, modulesToLoad, applied: isApplied } = await service.import(text, false)
    expect(isApplied).toBe(false)
    expect(settings.get()).toBe(before)
    expect(modulesToLoad).toEqual(['/bundles/new'])
    expect(changes).toContainEqual({ key: 'limits.fuel_per_event', before: null, after: '7' })
    expect(changes).toContainEqual({ key: 'chains.5.rpc_url', before: null, after: 'ws://127.0.0.1:8545' })
    expect(changes).toContainEqual({ key: 'identity.test_key', before: '(secret)', after: '(secret)' })
    expect(JSON.stringify(changes)).not.toMatch(/secret-key|3434|1212/)
    await service.import(text, true)
    expect(applied()).toBe(1)
    expect(settings.get().operator.limits.fuelPerEvent).toBe(7)
    expect(
      settings
        .get()
        .chains.map(({ chainId }) => chainId)
        .sort(),
    ).toEqual(['1', '5'])
    // What the file does not say of secrets stays.
    expect(settings.get().operator.remoteStore.feedKey).toBe(key)
  })

  it('gives installed modules their grants, and no capability that was never reviewed', async () => {
    const { service, settings } = create()
    const account = `0x${'ab'.repeat(20)}`
    const text = `[[modules]]\npath = "/bundles/watch"\naccounts = ["${account}"]\ncapabilities = ["chain", "identity", "messaging"]\nlimits.queue = 5`
    await service.import(text, true)
    expect(settings.get().modules[0]).toMatchObject({
      grants: { accounts: [account], approval: 'ask' },
      granted: ['chain', 'identity'],
      limits: { queueEvents: 5 },
    })
  })

  it('refuses what the headless command refuses', async () => {
    const { service, settings } = create()
    const before = settings.get()
    await expect(service.import('[limits]\nfuel = 1', true)).rejects.toMatchObject({
      code: 'settings.unknown_key',
    })
    await expect(service.import('# ${ABSENT}', true)).rejects.toMatchObject({ code: 'settings.env_missing' })
    expect(settings.get()).toBe(before)
  })
})
