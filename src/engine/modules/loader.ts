/** From a path to a judged bundle: manifest, hash, world, contract, capabilities. Nothing of it runs. */
import type { InstalledModule } from '../../shared/domain/settings.ts'
import { PaddockError } from '../../shared/errors.ts'
import type { ChainService } from '../chains/chain-service.ts'
import type { Compiler } from '../compiler/compiler.ts'
import { knownCapabilities } from '../contracts/registry.ts'
import { assess, type Assessment, type AssessmentContext, type InspectedComponent } from './assess.ts'
import { openBundle, type Bundle } from './bundle.ts'

export interface LoadedBundle {
  /** What was opened: a folder, an archive or a component; absolute. */
  readonly bundlePath: string
  readonly componentPath: string
  readonly assessment: Assessment
}

export interface LoadOptions {
  readonly signal?: AbortSignal
  /** `fraction` is null where the amount is not known. */
  readonly onProgress?: (step: string, fraction: number | null) => void
}

export interface LoaderOptions {
  readonly compiler: Compiler
  readonly chains: ChainService
  readonly stateDir: string
  readonly providedCapabilities: ReadonlySet<string>
}

export class ModuleLoader {
  private readonly options: LoaderOptions

  constructor(options: LoaderOptions) {
    this.options = options
  }

  /** Throws `bundle.*`, `manifest.*`, `component.*`, `compiler.*`, and `sandbox.cancelled` when aborted. */
  async load(
    path: string,
    options: LoadOptions,
    limitsOf: (name: string) => InstalledModule['limits'],
  ): Promise<LoadedBundle> {
    options.onProgress?.('Reading the bundle', null)
    const bundle = await this.open(path)
    throwIfAborted(options.signal)
    options.onProgress?.('Hashing and reading the component', null)
    const component = await this.options.compiler.inspect(bundle.componentPath, options.signal)
    throwIfAborted(options.signal)
    const context = this.contextFor(limitsOf(bundle.manifest.name))
    return {
      bundlePath: bundle.path,
      componentPath: bundle.componentPath,
      assessment: assess(bundle.manifest, component, context),
    }
  }

  /** Bundle and component as they are, unjudged. */
  async read(path: string): Promise<{ bundle: Bundle; component: InspectedComponent }> {
    const bundle = await this.open(path)
    return { bundle, component: await this.options.compiler.inspect(bundle.componentPath) }
  }

  /** Judges what `read` answered; throws what is wrong with it. */
  judge(bundle: Bundle, component: InspectedComponent): Assessment {
    return assess(bundle.manifest, component, this.contextFor({}))
  }

  private open(path: string): Promise<Bundle> {
    return openBundle(path, { stateDir: this.options.stateDir, knownCapabilities: knownCapabilities() })
  }

  private contextFor(operatorLimits: InstalledModule['limits']): AssessmentContext {
    const { chains, providedCapabilities } = this.options
    return {
      providedCapabilities,
      chains: chains.configs().map(({ chainId, name, endpoints }) => ({
        chainId,
        name,
        hasEndpoint: endpoints.length > 0,
      })),
      operatorLimits: Object.fromEntries(
        Object.entries(operatorLimits).filter(([, value]) => value !== undefined),
      ),
    }
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new PaddockError('sandbox.cancelled', 'Loading was cancelled.')
}
