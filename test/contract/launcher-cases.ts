/**
 * What every `SandboxLauncher` must do, without a test framework: vitest runs it on the fork launcher, and the
 * end-to-end tests run it within Electron on the utility launcher.
 */
import assert from 'node:assert/strict'
import type {
  LaunchedProcess,
  LaunchOptions,
  ProcessExit,
  SandboxLauncher,
} from '../../src/engine/sandboxes/launcher.ts'

export interface LauncherCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/** The cases for launchers from `makeLauncher`; `child` is the absolute path of launcher-child.cjs. */
export function launcherCases(makeLauncher: () => SandboxLauncher, child: string): LauncherCase[] {
  let started = 0

  async function launched(
    use: (
      process: LaunchedProcess,
      next: () => Promise<unknown>,
      exit: Promise<ProcessExit>,
    ) => Promise<void>,
    options: Partial<LaunchOptions> = {},
  ): Promise<void> {
    const process = makeLauncher().launch({
      entry: child,
      serviceName: `launcher-case-${++started}`,
      ...options,
    })
    const exit = new Promise<ProcessExit>((resolve) => process.onExit(resolve))
    const next = messages(process)
    try {
      assert.equal(await next(), 'up')
      assert.ok((process.pid ?? 0) > 0, 'a running process has an id')
      await use(process, next, exit)
    } finally {
      process.kill()
      await exit
    }
  }

  const endsAs = (
    name: string,
    message: unknown,
    expected: Partial<ProcessExit>,
    options: Partial<LaunchOptions> = {},
  ): LauncherCase => ({
    name,
    run: () =>
      launched(async (process, _next, exit) => {
        process.post(message)
        const ended = await exit
        assert.deepEqual({ ...ended, ...expected }, ended)
      }, options),
  })

  return [
    {
      name: 'carries structured values both ways',
      run: () =>
        launched(async (process, next) => {
          const value = {
            bytes: new Uint8Array([1, 2, 3]),
            big: 2n ** 64n,
            map: new Map([['a', [undefined, -0]]]),
          }
          process.post({ do: 'echo', value })
          assert.deepEqual(await next(), value)
        }),
    },
    {
      name: 'keeps the order of messages',
      run: () =>
        launched(async (process, next) => {
          process.post({ do: 'count', to: 500 })
          for (let index = 0; index < 500; index++) assert.equal(await next(), index)
        }),
    },
    {
      name: 'a removed listener hears nothing more',
      run: () =>
        launched(async (process, next) => {
          const heard: unknown[] = []
          const remove = process.onMessage((message) => heard.push(message))
          process.post({ do: 'echo', value: 1 })
          await next()
          remove()
          process.post({ do: 'echo', value: 2 })
          await next()
          assert.deepEqual(heard, [1])
        }),
    },
    {
      name: 'passes arguments and flags, and of the environment the allowed names only',
      async run() {
        process.env.PADDOCK_CANARY = 'secret'
        try {
          await launched(
            async (process, next) => {
              process.post({ do: 'describe' })
              const described = (await next()) as { argv: string[]; execArgv: string[]; env: string[] }
              assert.deepEqual(described.argv, ['--one', 'two'])
              assert.ok(!described.env.includes('PADDOCK_CANARY'), 'the canary must not arrive')
              assert.ok(described.env.some((name) => name.toUpperCase() === 'PATH'))
            },
            { args: ['--one', 'two'] },
          )
        } finally {
          delete process.env.PADDOCK_CANARY
        }
      },
    },
    {
      name: 'passes on output by lines, the last one without its end too',
      run: () =>
        launched(async (process, _next, exit) => {
          const lines: string[] = []
          process.onOutput((line, stream) => lines.push(`${stream}: ${line}`))
          process.post({ do: 'print', stdout: 'one\ntwo\n\nhälf', stderr: 'oops\n' })
          await exit
          assert.deepEqual(
            lines.filter((line) => line.startsWith('stdout')),
            ['stdout: one', 'stdout: two', 'stdout: ', 'stdout: hälf'],
          )
          assert.deepEqual(
            lines.filter((line) => line.startsWith('stderr')),
            ['stderr: oops'],
          )
        }),
    },
    endsAs('a process that exits with 0 ended cleanly', { do: 'exit', code: 0 }, { class: 'clean', code: 0 }),
    endsAs(
      'a process that exits with another code ended in error',
      { do: 'exit', code: 7 },
      { class: 'error', code: 7 },
    ),
    endsAs('a process that throws ended in error', { do: 'throw' }, { class: 'error' }),
    endsAs('a process that hits bad memory crashed', { do: 'signal', signal: 'SIGSEGV' }, { class: 'crash' }),
    endsAs(
      'a process that fills its heap is out of memory',
      { do: 'fill-heap' },
      { class: 'oom' },
      {
        heapLimitMb: 48,
      },
    ),
    {
      name: 'a busy process is killed at once, and killing it again is harmless',
      run: () =>
        launched(async (process, _next, exit) => {
          process.post({ do: 'spin' })
          process.kill()
          process.kill()
          assert.equal((await exit).class, 'killed')
          process.kill()
          process.post({ do: 'echo', value: 1 })
        }),
    },
    {
      name: 'the end is told once to each listener, also to a late one',
      run: () =>
        launched(async (process, _next, exit) => {
          let early = 0
          let removed = 0
          process.onExit(() => early++)
          process.onExit(() => removed++)()
          process.post({ do: 'exit', code: 0 })
          await exit
          let late: ProcessExit | undefined
          process.onExit((ended) => (late = ended))
          assert.equal(late?.class, 'clean')
          assert.deepEqual([early, removed], [1, 0])
        }),
    },
    {
      name: 'a script that is not there is an end, not an exception',
      async run() {
        const process = makeLauncher().launch({
          entry: `${child}.missing`,
          serviceName: `launcher-case-${++started}`,
        })
        const ended = await new Promise<ProcessExit>((resolve) => process.onExit(resolve))
        assert.notEqual(ended.class, 'clean')
      },
    },
  ]
}

/** The process's messages one by one, none lost between two calls. */
function messages(process: LaunchedProcess): () => Promise<unknown> {
  const arrived: unknown[] = []
  const waiting: ((message: unknown) => void)[] = []
  process.onMessage((message) => {
    const waiter = waiting.shift()
    if (waiter === undefined) arrived.push(message)
    else waiter(message)
  })
  return () =>
    new Promise((resolve) => {
      if (arrived.length > 0) resolve(arrived.shift())
      else waiting.push(resolve)
    })
}
