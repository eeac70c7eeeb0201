import type { InstallRequest, ModuleView } from '../../shared/domain/module.ts'
import type { LoadedBundle } from './loader.ts'

/** What the consent sheet shows of a bundle; `running` is the module of this name that is installed, if any. */
export function describeInstall(
  loaded: LoadedBundle,
  running: ModuleView | null,
): Omit<InstallRequest, 'requestId'> {
  const { assessment, bundlePath } = loaded
  const { manifest } = assessment
  return {
    name: manifest.name,
    version: manifest.version,
    description: manifest.description,
    authors: [...manifest.authors],
    contract: assessment.contract,
    bundlePath,
    componentSha256: assessment.componentSha256,
    componentBytes: assessment.componentBytes,
    pinned: assessment.pinned,
    imports: [...assessment.imports],
    asks: [...assessment.asks],
    subscriptions: [...assessment.subscriptions],
    limitsAsked: assessment.limitsAsked,
    limitsGiven: assessment.limitsGiven,
    warnings: [...assessment.warnings],
    chainsMissing: [...assessment.chainsMissing],
    replaces:
      running === null ? null : { version: running.version, componentSha256: running.componentSha256 },
  }
}
