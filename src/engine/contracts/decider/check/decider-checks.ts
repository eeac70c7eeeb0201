/** Checks deciders in bundles: compiles them, and runs every check in sandbox processes (spec decider 13). */
import { deciderContractId } from '../../../../shared/contracts/decider.ts'
import { deciderCompiledLimits } from '../../../../shared/contracts/decider-limits.ts'
import { defaultLimits } from '../../../../shared/domain/limits.ts'
import { PaddockError } from '../../../../shared/errors.ts'
import type { Clock } from '../../../clock.ts'
import type { Compiler } from '../../../compiler/compiler.ts'
import type { LoadedBundle } from '../../../modules/loader.ts'
import type { SandboxLauncher } from '../../../sandboxes/launcher.ts'
import { residentLimitBytes } from '../../../sandboxes/memory-limits.ts'
import { Sandbox } from '../../../sandboxes/sandbox.ts'
import type { StoredStream } from './cases.ts'
import { checkDecider } from './run-checks.ts'
import type { Candidate } from './script-runner.ts'
import { parseSuite } from './suite.ts'
import type { CheckVerdict } from './verdict.ts'

export interface DeciderChecksOptions {
  /** Reads and judges the bundle at a path. Throws `bundle.*`, `manifest.*`, `component.*`. */
  readonly load: (path: string) => Promise<LoadedBundle>
  readonly compiler: Compiler
  readonly launcher: SandboxLauncher
  readonly sandboxEntry: string
  readonly clock: Clock
  readonly nextGeneration: () => number
}

export interface BundleCheck {
  readonly bundle: string
  /** Text and name of a suite, or null. */
  readonly suite: { readonly text: string; readonly file: string } | null
  readonly streams: readonly StoredStream[]
  /** Bundle of the version that runs now, to compare decisions with. */
  readonly against: string | null
  /** Bundle that must answer alike. */
  readonly parity: string | null
  readonly strict: boolean
  readonly seed: number
}

export class DeciderChecks {
  private readonly options: DeciderChecksOptions

  constructor(options: DeciderChecksOptions) {
    this.options = options
  }

  /** Whether the bundle holds a decider. Throws as loading it does. */
  async isDecider(bundle: string): Promise<boolean> {
    const { assessment } = await this.options.load(bundle)
    return assessment.contract.id === deciderContractId
  }

  /**
   * Runs all checks; each verdict is told as it comes. Throws `decider.invalid_suite`, what loading and compiling throw,
   * and `sandbox.*` when no sandbox can be had.
   */
  async run(check: BundleCheck, onVerdict: (verdict: CheckVerdict) => void): Promise<CheckVerdict[]> {
    const { suite } = check
    return checkDecider(
      {
        suite: suite === null ? null : parseSuite(suite.text, suite.file),
        candidate: await this.candidate(check.bundle),
        streams: check.streams,
        running: check.against === null ? null : await this.candidate(check.against),
        parityWith: check.parity === null ? null : await this.candidate(check.parity),
        strict: check.strict,
        seed: check.seed,
      },
      { launch: () => this.launch(), onVerdict },
    )
  }

  private async candidate(bundle: string): Promise<Candidate> {
    const { assessment, componentPath } = await this.options.load(bundle)
    const { manifest, contract, componentSha256 } = assessment
    if (contract.id !== deciderContractId) {
      throw new PaddockError('usage.invalid', `${manifest.name} is no decider but of ${contract.title}.`)
    }
    const { directory } = await this.options.compiler.compile({
      path: componentPath,
      expectedSha256: componentSha256,
      limits: {
        memoryBytes: defaultLimits.memoryBytes,
        ...deciderCompiledLimits,
        initialFuel: defaultLimits.fuelPerCall,
      },
    })
    return { name: manifest.name, version: manifest.version, artifactDirectory: directory }
  }

  private launch(): Sandbox {
    const { launcher, sandboxEntry, clock, nextGeneration } = this.options
    const generation = nextGeneration()
    return new Sandbox({
      launcher,
      entry: sandboxEntry,
      serviceName: `paddock-check-${generation}`,
      generation,
      clock,
      residentLimitBytes: residentLimitBytes(defaultLimits.memoryBytes),
      handlers: {
        onHostCall: () => Promise.reject(new PaddockError('internal.bug', 'A decider called a host.')),
        onLogs: () => undefined,
        onProcess: () => undefined,
        onOutput: () => undefined,
      },
    })
  }
}
