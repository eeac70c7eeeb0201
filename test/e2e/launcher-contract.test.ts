/** The launcher contract on Electron's `utilityProcess`; vitest runs the same cases on `child_process.fork`. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@playwright/test'
import type { ElectronApplication } from '@playwright/test'
import { build } from 'vite'
import { launcherCases } from '../contract/launcher-cases.ts'
import { launchElectron, root } from './support/paddock.ts'

const folder = path.join(root, '.cache/e2e/launcher-contract')
const child = path.join(root, 'test/contract/launcher-child.cjs')
let app: ElectronApplication

test.beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      ssr: path.join(root, 'test/contract/launcher-electron.ts'),
      outDir: folder,
      target: 'node18',
      rolldownOptions: {
        external: ['electron'],
        output: { format: 'cjs', entryFileNames: 'index.cjs' },
      },
    },
  })
  await writeFile(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: 'launcher-contract', main: 'index.cjs' }),
  )
  app = await launchElectron([folder], { PADDOCK_LAUNCHER_CHILD: child })
})

test.afterAll(async () => {
  await app.close()
})

// Only the names are taken here: the cases run within Electron.
const cases = launcherCases(() => {
  throw new Error('not here')
}, child)

for (const { name } of cases) {
  test(`utilityProcess: ${name}`, async () => {
    const failure = await app.evaluate(
      (_electron, wanted) =>
        (
          globalThis as unknown as { runLauncherCase: (name: string) => Promise<string | null> }
        ).runLauncherCase(wanted),
      name,
    )
    expect(failure).toBeNull()
  })
}
