import type { HostCallContext } from '../../src/engine/capabilities/capability.ts'
import { parseManifest } from '../../src/engine/modules/manifest/read-manifest.ts'
import type { InstalledModule } from '../../src/shared/domain/settings.ts'

const knownCapabilities = [
  'chain',
  'identity',
  'local-store',
  'remote-store',
  'messaging',
  'logging',
  'clock',
  'random',
  'http',
  'cow-api',
]

/** The context of a host call as a module with this `paddock.toml` (after its `[module]` table) has it. */
export function callContext(
  manifestToml = '',
  record: Partial<InstalledModule> = {},
  signal: AbortSignal = new AbortController().signal,
): HostCallContext {
  const name = record.name ?? 'test'
  const text = `[module]\nname = "${name}"\nversion = "1.0.0"\ncomponent = "module.wasm"\n${manifestToml}`
  const manifest = parseManifest('/bundle/paddock.toml', Buffer.from(text), {
    knownCapabilities,
  })
  return {
    module: name,
    run: 1,
    manifest,
    record: {
      name,
      bundlePath: '/bundle',
      componentSha256: '0'.repeat(64),
      granted: knownCapabilities,
      enabled: true,
      limits: {},
      ...record,
    },
    signal,
    pauseDeadline: () => () => undefined,
  }
}
