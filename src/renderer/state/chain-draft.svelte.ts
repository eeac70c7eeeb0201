import {
  chainConfigSchema,
  endpointUrlSchema,
  type ChainConfig,
  type ChainView,
  type EndpointTest,
} from '../../shared/domain/chain.ts'
import { chainIdSchema } from '../../shared/domain/primitives.ts'
import { toErrorReport, type ErrorReport } from '../../shared/errors.ts'
import type { PaddockClient } from '../../shared/ipc/schema.ts'

export interface EndpointDraft {
  /** Stays with the row while it moves. */
  readonly id: number
  readonly url: string
}

export interface DraftErrors {
  readonly chainId: string | null
  readonly name: string | null
  readonly pollIntervalMs: string | null
  readonly requestTimeoutMs: string | null
  readonly urls: ReadonlyMap<number, string>
}

export type TestState =
  | { readonly kind: 'testing' }
  | { readonly kind: 'done'; readonly url: string; readonly result: EndpointTest }

const knownNames: Readonly<Record<string, string>> = {
  '1': 'Ethereum',
  '10': 'Optimism',
  '56': 'BNB Smart Chain',
  '100': 'Gnosis',
  '137': 'Polygon',
  '8453': 'Base',
  '31337': 'Local devnet',
  '42161': 'Arbitrum',
  '43114': 'Avalanche',
  '59144': 'Linea',
  '11155111': 'Sepolia',
}

/** A chain's configuration while it is edited: checked as one types, saved as a whole. */
export class ChainDraft {
  chainId = $state('')
  name = $state('')
  pollIntervalMs = $state('4000')
  requestTimeoutMs = $state('30000')
  endpoints = $state.raw<readonly EndpointDraft[]>([])
  tests = $state.raw<ReadonlyMap<number, TestState>>(new Map())
  saving = $state(false)
  error = $state.raw<ErrorReport | null>(null)

  readonly #client: PaddockClient
  readonly #original: ChainConfig | null
  #nextId = 1

  /** @param original The chain as saved, or null for a new one. */
  constructor(client: PaddockClient, original: ChainConfig | null, chainId = '') {
    this.#client = client
    this.#original = original
    this.chainId = original?.chainId ?? chainId
    this.discard()
  }

  get isNew(): boolean {
    return this.#original === null
  }

  readonly errors: DraftErrors = $derived.by(() => {
    const urls = new Map<number, string>()
    for (const { id, url } of this.endpoints) {
      const parsed = endpointUrlSchema.safeParse(url.trim())
      if (url.trim() === '') urls.set(id, 'Enter an address, or remove the row.')
      else if (!parsed.success)
        urls.set(id, parsed.error.issues[0]?.message ?? 'This address cannot be used.')
      else if (this.endpoints.some((other) => other.id < id && other.url.trim() === url.trim())) {
        urls.set(id, 'The address is in the list already.')
      }
    }
    const { shape } = chainConfigSchema
    return {
      chainId: chainIdSchema.safeParse(this.chainId.trim()).success
        ? null
        : 'Enter the chain id as a number, such as 1 or 8453.',
      name: shape.name.safeParse(this.name).success ? null : 'Enter a name of at most 64 characters.',
      pollIntervalMs: shape.pollIntervalMs.safeParse(Number(this.pollIntervalMs)).success
        ? null
        : 'Choose 250 to 600 000 ms.',
      requestTimeoutMs: shape.requestTimeoutMs.safeParse(Number(this.requestTimeoutMs)).success
        ? null
        : 'Choose 100 to 600 000 ms.',
      urls,
    }
  })

  readonly errorCount: number = $derived(
    [this.errors.chainId, this.errors.name, this.errors.pollIntervalMs, this.errors.requestTimeoutMs].filter(
      (each) => each !== null,
    ).length + this.errors.urls.size,
  )

  readonly changed: boolean = $derived.by(() => {
    const saved = this.#original
    if (saved === null) return true
    return (
      this.name !== saved.name ||
      Number(this.pollIntervalMs) !== saved.pollIntervalMs ||
      Number(this.requestTimeoutMs) !== saved.requestTimeoutMs ||
      this.endpoints.length !== saved.endpoints.length ||
      this.endpoints.some((each, index) => each.url.trim() !== saved.endpoints[index]?.url)
    )
  })

  /** The name a well-known chain goes by, or one made of its id; offered while the field has no other. */
  get suggestedName(): string {
    const id = this.chainId.trim()
    return knownNames[id] ?? (chainIdSchema.safeParse(id).success ? `Chain ${id}` : '')
  }

  /** A new chain of which nothing is entered yet: what is missing is no mistake so far. */
  get untouched(): boolean {
    return (
      this.isNew &&
      this.chainId.trim() === '' &&
      this.name === '' &&
      this.endpoints.every(({ url }) => url.trim() === '')
    )
  }

  /** Back to what is saved. */
  discard(): void {
    const saved = this.#original
    this.name = saved?.name ?? this.suggestedName
    this.pollIntervalMs = String(saved?.pollIntervalMs ?? 4_000)
    this.requestTimeoutMs = String(saved?.requestTimeoutMs ?? 30_000)
    this.endpoints = (saved?.endpoints ?? [{ url: '' }]).map(({ url }) => ({ id: this.#nextId++, url }))
    this.tests = new Map()
    this.error = null
  }

  setUrl(id: number, url: string): void {
    this.endpoints = this.endpoints.map((each) => (each.id === id ? { id, url } : each))
  }

  /** Adds an empty row and returns its id. */
  add(): number {
    const id = this.#nextId++
    this.endpoints = [...this.endpoints, { id, url: '' }]
    return id
  }

  remove(id: number): void {
    this.endpoints = this.endpoints.filter((each) => each.id !== id)
  }

  /** Moves an endpoint in the order in which they are tried; past an end nothing happens. */
  move(id: number, by: number): void {
    const from = this.endpoints.findIndex((each) => each.id === id)
    const to = from + by
    const moved = this.endpoints[from]
    if (moved === undefined || to < 0 || to >= this.endpoints.length) return
    const rest = this.endpoints.filter((each) => each.id !== id)
    this.endpoints = [...rest.slice(0, to), moved, ...rest.slice(to)]
  }

  async test(id: number): Promise<void> {
    const url = this.endpoints.find((each) => each.id === id)?.url.trim() ?? ''
    if (this.errors.urls.has(id) || this.errors.chainId !== null) return
    this.#setTest(id, { kind: 'testing' })
    try {
      this.#setTest(id, {
        kind: 'done',
        url,
        result: await this.#client.chains.test({ chainId: this.chainId.trim(), url }),
      })
    } catch (thrown) {
      const error = toErrorReport(thrown)
      const result = { ok: false, chainId: null, head: null, latencyMs: null, pushesHeads: null, error }
      this.#setTest(id, { kind: 'done', url, result })
    }
  }

  async testAll(): Promise<void> {
    await Promise.all(this.endpoints.map(({ id }) => this.test(id)))
  }

  /** Saves when nothing is wrong; true when it was saved. */
  async save(): Promise<boolean> {
    if (this.errorCount > 0 || this.saving) return false
    this.saving = true
    try {
      await this.#client.chains.save({
        config: chainConfigSchema.parse({
          ...this.#original,
          chainId: this.chainId.trim(),
          name: this.name.trim(),
          endpoints: this.endpoints.map(({ url }) => ({ url: url.trim() })),
          pollIntervalMs: Number(this.pollIntervalMs),
          requestTimeoutMs: Number(this.requestTimeoutMs),
        }),
      })
      this.error = null
      return true
    } catch (thrown) {
      this.error = toErrorReport(thrown)
      return false
    } finally {
      this.saving = false
    }
  }

  #setTest(id: number, state: TestState): void {
    this.tests = new Map([...this.tests, [id, state]])
  }
}

/** A text that changes whenever the saved configuration of a chain does. */
export function configKey(chain: ChainView | undefined): string {
  return JSON.stringify(chain?.config ?? null)
}
