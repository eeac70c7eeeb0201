/** Many calls of a tool at once in the real app: a process of Electron has room for about 100 memories of WebAssembly. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { settingsSchema } from '../../src/shared/domain/settings.ts'
import type { ToolServerFacts } from '../../src/shared/domain/tool.ts'
import { handTool } from '../support/tool-components.ts'
import { Frame } from './screens/frame.ts'
import { expect, test } from './support/fixtures.ts'

const callers = 64
const rounds = 20
const beatMs = 20

interface Beats {
  longestMs: number
}

/** Keeps the longest pause between beats of the process it runs in; handed to others as text. */
function keepBeats(everyMs: number): void {
  const beats = { longestMs: 0 }
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    beats.longestMs = Math.max(beats.longestMs, now - last)
    last = now
  }, everyMs).unref()
  Object.assign(globalThis, { toolBeats: beats })
}

async function bundleIn(folder: string): Promise<string> {
  const bundle = path.join(folder, 'hand')
  await mkdir(bundle)
  await writeFile(path.join(bundle, 'module.wasm'), await handTool())
  const lines = ['schema = "tool.v1"', 'id = "hand"', 'version = "1.0.0"', 'component = "module.wasm"']
  lines.push('wit = "near:agent@0.4.1"', '[[operations]]', 'id = "hand.count"', 'permission = "allow"')
  await writeFile(path.join(bundle, 'tool.toml'), lines.join('\n'))
  return bundle
}

test('spec tools 14 live memories, main thread: 64 at a time, 20 times over, without a failure, while the window answers', async ({
  start,
  folder,
}) => {
  const paddock = await start({
    settings: settingsSchema.parse({
      devnet: { autoStart: false },
      operator: { tools: { server: true, port: 0 } },
    }),
    examples: [await bundleIn(folder)],
  })
  const states = async () => (await paddock.snapshot()).modules.map(({ status }) => status.state)
  await expect.poll(states, { timeout: 60_000 }).toEqual(['running'])
  const { url, tokenFile } = (await paddock.call('tools', 'server')) as ToolServerFacts
  const authorization = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`
  await paddock.app.evaluate(
    (_, script) => (0, eval)(script) as undefined,
    `(${keepBeats.toString()})(${beatMs})`,
  )
  keepBeats(beatMs)

  const failures: string[] = []
  let answered = 0
  const caller = async (): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const response = await fetch(`${url}/v1/call/hand.count`, {
        method: 'POST',
        headers: { authorization },
        body: '{"deed":"count"}',
      })
      const text = await response.text()
      const { ok, output } = JSON.parse(text) as { ok: boolean; output?: unknown }
      answered += 1
      // A counter in the guest's memory: 1 in every fresh instance.
      if (!ok || output !== 1) failures.push(text)
    }
  }
  const load = Promise.all(Array.from({ length: callers }, caller))
  const frame = new Frame(paddock.page)
  for (const screen of ['Modules', 'Logs', 'Overview'] as const) {
    await frame.open(screen)
    await expect(paddock.page.getByRole('heading', { level: 1 })).toBeVisible()
  }
  expect(answered, 'the screens were opened while calls went on').toBeLessThan(callers * rounds)
  await load
  expect(failures).toEqual([])
  expect(answered).toBe(callers * rounds)

  const beatsOf = 'globalThis.toolBeats'
  const main = await paddock.app.evaluate((_, script) => (0, eval)(script) as Beats, beatsOf)
  const own = (globalThis as unknown as { toolBeats: Beats }).toolBeats
  // What the machine makes every process wait is no fault of ours.
  expect(main.longestMs).toBeLessThan(500 + own.longestMs)
})
