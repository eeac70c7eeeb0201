/** The operator's chains: persisted settings, the devnet's endpoint, and the pool that serves both. */
import type { ChainConfig, ChainView, EndpointTest } from '../../shared/domain/chain.ts'
import type { ChainId } from '../../shared/domain/primitives.ts'
import { PaddockError } from '../../shared/errors.ts'
import { chainConfigSchema } from '../../shared/domain/chain.ts'
import { devnetChainId } from '../devnet/chain.ts'
import type { SettingsPort } from '../settings-port.ts'
import type { ChainPool } from './chain-pool.ts'
import { testEndpoint } from './endpoint-test.ts'

/** More chains than this would only be a mistake or an attack. */
const maxChains = 256

export interface ChainServiceOptions {
  readonly pool: ChainPool
  readonly settings: SettingsPort
  /** Address of the running devnet, or null. */
  readonly devnetUrl: () => string | null
}

export class ChainService {
  private readonly options: ChainServiceOptions

  constructor(options: ChainServiceOptions) {
    this.options = options
  }

  /** Hands the pool what holds now; call after any change of settings or devnet. */
  apply(): void {
    this.options.pool.configure(this.configs())
  }

  /** Every chain known, in the operator's order, the devnet's last unless it was configured by hand. */
  configs(): ChainConfig[] {
    const chains = this.options.settings.get().chains
    const url = this.options.devnetUrl()
    if (chains.some((chain) => chain.chainId === devnetChainId && chain.endpoints.length > 0)) return chains
    const devnet = chainConfigSchema.parse({
      chainId: devnetChainId,
      name: 'Local devnet',
      endpoints: url === null ? [] : [{ url }],
    })
    return [...chains.filter((chain) => chain.chainId !== devnetChainId), devnet]
  }

  /** Whether requests to the chain have somewhere to go. */
  hasEndpoint(chainId: ChainId): boolean {
    return this.configs().some((chain) => chain.chainId === chainId && chain.endpoints.length > 0)
  }

  views(): ChainView[] {
    return this.options.pool.views()
  }

  /** Adds or replaces a chain. Takes effect at once, also when saving fails with `settings.unwritable`. */
  save(config: ChainConfig): void {
    const { settings } = this.options
    const current = settings.get()
    const isNew = !current.chains.some((chain) => chain.chainId === config.chainId)
    if (isNew && current.chains.length >= maxChains) {
      throw new PaddockError('settings.invalid', `At most ${maxChains} chains can be kept.`, {
        remedy: 'Remove one first.',
      })
    }
    const chains = isNew
      ? [...current.chains, config]
      : current.chains.map((chain) => (chain.chainId === config.chainId ? config : chain))
    this.store(chains)
  }

  remove(chainId: ChainId): void {
    const { chains } = this.options.settings.get()
    if (!chains.some((chain) => chain.chainId === chainId)) {
      throw new PaddockError('chain.unknown', `Chain ${chainId} is not configured.`)
    }
    this.store(chains.filter((chain) => chain.chainId !== chainId))
  }

  /** Tries an address without saving it. Never throws for a bad one. */
  test(query: { chainId: ChainId; url: string }): Promise<EndpointTest> {
    return testEndpoint(query)
  }

  private store(chains: ChainConfig[]): void {
    const { settings } = this.options
    try {
      settings.set({ ...settings.get(), chains })
    } finally {
      this.apply()
    }
  }
}
