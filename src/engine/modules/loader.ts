/** From a path to a judged bundle: manifest, hash, world, contract, capabilities. Nothing of it runs. */
import type { InstalledModule } from '../../shared/domain/settings.ts'
import { moduleGrants } from '../../shared/domain/operator/grants.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { ContentService } from '../content/content-service.ts'
import { isContentReference } from '../content/references.ts'
import type { ChainService } from '../chains/chain-service.ts'
import type { Compiler } from '../compiler/compiler.ts'
import { contracts, knownCapabilities } from '../contracts/registry.ts'
import { assess, type Assessment, type AssessmentContext, type InspectedComponent } from './assess.ts'
import { openBundle, type Bundle } from './bundle.ts'
import type { SettingsPort } from '../settings-port.ts'
import { engineLimits } from './limits.ts'

export interface LoadedBundle {
  /** What was opened: a folder, an archive or a component; absolute. */
  readonly bundlePath: string
  readonly componentPath: string
  /** The manifest that was named and wins over the bundle's own; null where none was. */
  readonly manifestFile: string | null
  /** What announced it, or null. */
  readonly discoveredBy: string | null
  readonly assessment: Assessment
}

/** What is known of a module before its bundle is judged. */
export interface KnownRecord extends Pick<InstalledModule, 'limits' | 'grants'> {
  readonly discoveredBy?: string | undefined
}

export interface LoadOptions {
  readonly signal?: AbortSignal
  /** `fraction` is null where the amount is not known. */
  readonly onProgress?: (step: string, fraction: number | null) => void
  /** A manifest that wins over the bundle's own (spec nexum-host 3.1). */
  readonly manifestFile?: string | undefined
  /** What a module not yet installed will be recorded with. */
  readonly record?: Partial<KnownRecord>
}

export interface LoaderOptions {
  readonly compiler: Compiler
  readonly chains: ChainService
  readonly settings: SettingsPort
  readonly contents: ContentService
  /** What announced a reference, when something did (spec nexum-host 15). */
  readonly announcedBy?: (reference: string) => string | undefined
  readonly stateDir: string
  readonly providedCapabilities: ReadonlySet<string>
}

export class ModuleLoader {
  private readonly options: LoaderOptions

  constructor(options: LoaderOptions) {
    this.options = options
  }

  /** Throws `bundle.*`, `manifest.*`, `component.*`, `compiler.*`, `stage.alone`, and `sandbox.cancelled` when aborted. */
  async load(
    path: string,
    options: LoadOptions,
    recordOf: (name: string) => KnownRecord | undefined,
  ): Promise<LoadedBundle> {
    options.onProgress?.('Reading the bundle', null)
    const discoveredBy = options.record?.discoveredBy ?? this.options.announcedBy?.(path)
    const bundle = await this.open(path, options, discoveredBy === undefined)
    throwIfAborted(options.signal)
    options.onProgress?.('Hashing and reading the component', null)
    const component = await this.options.compiler.inspect(bundle.componentPath, options.signal)
    throwIfAborted(options.signal)
    const context = this.contextFor({
      limits: {},
      ...recordOf(bundle.manifest.name),
      ...options.record,
      discoveredBy,
    })
    const assessment = assess(bundle.manifest, component, context)
    const alone = contracts.find(({ id }) => id === assessment.contract.id)?.refuseAlone?.()
    if (alone !== undefined) throw alone
    return {
      bundlePath: isContentReference(path) ? path : bundle.path,
      discoveredBy: discoveredBy ?? null,
      componentPath: bundle.componentPath,
      manifestFile: options.manifestFile ?? null,
      assessment,
    }
  }

  /** Bundle and component as they are, unjudged. */
  async read(path: string): Promise<{ bundle: Bundle; component: InspectedComponent }> {
    const bundle = await this.open(path, {}, true)
    return { bundle, component: await this.options.compiler.inspect(bundle.componentPath) }
  }

  /** Judges what `read` answered; throws what is wrong with it. */
  judge(bundle: Bundle, component: InspectedComponent): Assessment {
    return assess(bundle.manifest, component, this.contextFor({ limits: {} }))
  }

  private async open(path: string, options: LoadOptions, isTrusted: boolean): Promise<Bundle> {
    const { contents, stateDir } = this.options
    const { manifestFile, signal } = options
    const isPinned = typeof options.record?.grants?.digest === 'string'
    const fetch = (reference: string): Promise<string> =>
      contents.fetch(reference, { isPinned, isTrusted, signal })
    return openBundle(isContentReference(path) ? await fetch(path) : path, {
      stateDir,
      knownCapabilities: knownCapabilities(),
      fetchComponent: fetch,
      ...(manifestFile === undefined ? {} : { manifestFile }),
    })
  }

  private contextFor(record: KnownRecord): AssessmentContext {
    const { chains, providedCapabilities, settings } = this.options
    const { operator } = settings.get()
    return {
      providedCapabilities,
      engineLimits: engineLimits(operator, record.discoveredBy !== undefined),
      operatorPin: moduleGrants(record).digest,
      requirePin: operator.engine.requireComponentDigest,
      undeclaredImports: operator.engine.undeclaredImports,
      chains: chains.configs().map(({ chainId, name, endpoints }) => ({
        chainId,
        name,
        hasEndpoint: endpoints.length > 0,
      })),
      operatorLimits: Object.fromEntries(
        Object.entries(record.limits).filter(([, value]) => value !== undefined),
      ),
    }
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new PaddockError('sandbox.cancelled', 'Loading was cancelled.')
}
