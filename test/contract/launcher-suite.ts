import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'
import type { SandboxLauncher } from '../../src/engine/sandboxes/launcher.ts'
import { launcherCases } from './launcher-cases.ts'

export const launcherChild = fileURLToPath(new URL('launcher-child.cjs', import.meta.url))

/** Runs the launcher contract under vitest. Every case asserts by itself. */
export function launcherContract(name: string, makeLauncher: () => SandboxLauncher): void {
  describe(`${name} keeps the launcher contract`, () => {
    for (const { name: what, run } of launcherCases(makeLauncher, launcherChild)) test(what, run)
  })
}
