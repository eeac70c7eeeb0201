/**
 * Two versions of a module at the same time, where its contract has that (spec decider 3): the one that came first has
 * the bundle's name, another is installed as `name@version`.
 */
import { contracts } from '../contracts/registry.ts'
import type { LoadedBundle } from './loader.ts'

interface Installed {
  readonly bundlePath: string
  readonly version: string
}

/** The bundle under the name it gets here; unchanged unless another version of another path has its name. */
export function besideOthers(
  loaded: LoadedBundle,
  installed: (name: string) => Installed | undefined,
): LoadedBundle {
  const { name, version } = loaded.assessment.manifest
  const other = installed(name)
  const isBeside =
    other !== undefined &&
    other.bundlePath !== loaded.bundlePath &&
    other.version !== version &&
    mayShare(loaded)
  return isBeside ? renamed(loaded, versionedName(loaded)) : loaded
}

/** A bundle read again for the module installed as `name`: under that name, where it is a version installed beside another. */
export function underName(loaded: LoadedBundle, name: string): LoadedBundle {
  return mayShare(loaded) && versionedName(loaded) === name ? renamed(loaded, name) : loaded
}

function mayShare({ assessment }: LoadedBundle): boolean {
  return contracts.find(({ id }) => id === assessment.contract.id)?.versionsSideBySide === true
}

function versionedName({ assessment }: LoadedBundle): string {
  return `${assessment.manifest.name}@${assessment.manifest.version}`
}

function renamed(loaded: LoadedBundle, name: string): LoadedBundle {
  const { assessment } = loaded
  return { ...loaded, assessment: { ...assessment, manifest: { ...assessment.manifest, name } } }
}
