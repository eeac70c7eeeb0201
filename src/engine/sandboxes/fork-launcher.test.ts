import { expect, test } from 'vitest'
import { launcherChild, launcherContract } from '../../../test/contract/launcher-suite.ts'
import { classifyExit, ForkLauncher } from './fork-launcher.ts'
import type { ProcessExit } from './launcher.ts'

launcherContract('the fork launcher', () => new ForkLauncher())

test('a Node that is not there is a failed launch', async () => {
  const launcher = new ForkLauncher({ execPath: '/nowhere/node' })
  const process = launcher.launch({ entry: launcherChild, serviceName: 'missing' })
  const exit = await new Promise<ProcessExit>((resolve) => process.onExit(resolve))
  expect(exit).toEqual({ class: 'launch-failed', code: null, signal: null })
  process.kill()
  process.post('nobody listens')
})

test('extra variables arrive, others do not', async () => {
  const launcher = new ForkLauncher({
    environment: { PATH: '/bin', SECRET: 'x' },
    extraEnvironment: { MARK: '1' },
  })
  const process = launcher.launch({ entry: launcherChild, serviceName: 'environment' })
  const described = new Promise<unknown>((resolve) =>
    process.onMessage((message) => (message === 'up' ? process.post({ do: 'describe' }) : resolve(message))),
  )
  const { env } = (await described) as { env: string[] }
  process.kill()
  expect(env).toEqual(expect.arrayContaining(['PATH', 'MARK']))
  expect(env).not.toContain('SECRET')
})

test.each([
  [0, null, 'clean'],
  [1, null, 'error'],
  [2, null, 'error'],
  [134, null, 'oom'],
  [null, 'SIGABRT', 'oom'],
  [null, 'SIGSEGV', 'crash'],
  [139, null, 'crash'],
  [3221225477, null, 'crash'],
  [null, 'SIGKILL', 'killed'],
  [null, 'SIGTERM', 'killed'],
  [137, null, 'killed'],
  [null, null, 'crash'],
] as const)('exit code %s with signal %s is %s', (code, signal, expected) => {
  expect(classifyExit(code, signal)).toBe(expected)
})
