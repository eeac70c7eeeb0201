/** The configuration of a running engine: what an import changes takes effect at once. */
import type { ChainService } from '../chains/chain-service.ts'
import type { ModuleRegistry } from '../modules/registry.ts'
import type { SettingsPort } from '../settings-port.ts'
import type { Observability } from '../telemetry/http/observability.ts'
import type { ToolServerService } from '../tool-server/tool-server-service.ts'
import { ConfigService } from './config-service.ts'

export interface ConfiguredParts {
  readonly settings: SettingsPort
  readonly chains: Pick<ChainService, 'apply'>
  readonly registry: ModuleRegistry
  readonly observability: Observability
  readonly toolServer: ToolServerService
}

export function createConfigService(parts: ConfiguredParts): ConfigService {
  const { settings, chains, registry, observability, toolServer } = parts
  return new ConfigService({
    settings,
    variables: process.env,
    async onApplied() {
      const { operator, modules } = settings.get()
      chains.apply()
      for (const entry of registry.all()) {
        entry.record = modules.find(({ name }) => name === entry.name) ?? entry.record
        await entry.applyLimits()
      }
      await observability.apply(operator)
      await toolServer.apply(operator.tools)
    },
  })
}
