/** What the page is and may not do: the security list of the style guide, S01–S11, S14 and S16. */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { ipcSurface } from '../../src/shared/ipc/surface.ts'
import { writeBundle } from './support/bundles.ts'
import { expect, test } from './support/fixtures.ts'
import { Paddock, root } from './support/paddock.ts'
import type { Bridge } from './support/paddock.ts'

const run = promisify(execFile)

interface Confined {
  getLastWebPreferences(): Record<string, unknown>
}

test.describe('the window', () => {
  let paddock: Paddock

  test.beforeAll(async () => {
    paddock = await Paddock.start({ settings: { devnet: { autoStart: false } } })
  })

  test.afterAll(async () => {
    await paddock.quit()
  })

  test('S01 its preferences keep the page confined', async () => {
    const preferences = await paddock.app.evaluate(({ webContents }) =>
      // Not in Electron's types, but in every version.
      (webContents.getAllWebContents() as unknown as Confined[]).map((contents) =>
        contents.getLastWebPreferences(),
      ),
    )
    expect(preferences).toHaveLength(1)
    expect(preferences[0]).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false })
    const loosened = [
      'webviewTag',
      'nodeIntegrationInWorker',
      'nodeIntegrationInSubFrames',
      'experimentalFeatures',
      'allowRunningInsecureContent',
      'enableBlinkFeatures',
      'plugins',
      'navigateOnDragDrop',
    ].filter((name) => Boolean(preferences[0]![name]))
    expect(loosened).toEqual([])
    expect(preferences[0]!.webSecurity ?? true).toBe(true)
  })

  test('S02 the page has nothing of Node, and one key of ours', async () => {
    const found = await paddock.page.evaluate(() => ({
      node: ['require', 'process', 'Buffer', 'global', 'module', 'ipcRenderer', 'electron'].filter(
        (name) => name in window,
      ),
      bridge: Object.keys((window as unknown as { paddock: object }).paddock),
    }))
    expect(found).toEqual({ node: [], bridge: ['ipc', 'files'] })
  })

  test('S03 the bridge is the schema, frozen, without channel names or event objects', async () => {
    const found = await paddock.page.evaluate(async () => {
      const { ipc } = (window as unknown as { paddock: Bridge }).paddock
      const surface: Record<string, string[]> = {}
      const frozen = [Object.isFrozen(ipc)]
      const sources: string[] = []
      for (const [group, members] of Object.entries(ipc)) {
        surface[group] = Object.keys(members)
        frozen.push(Object.isFrozen(members))
        for (const member of Object.values(members)) sources.push(String(member))
      }
      const subscribe = ipc['state']!['changed'] as unknown as (
        listener: (...values: unknown[]) => void,
      ) => () => void
      const heard = await new Promise<string[][]>((resolve) => {
        const stop = subscribe((...values) => {
          stop()
          resolve(values.map((value) => Object.keys(value as object)))
        })
      })
      return { surface, frozen, channels: sources.filter((text) => text.includes('paddock:')), heard }
    })
    expect(found.surface).toEqual(
      Object.fromEntries(Object.entries(ipcSurface).map(([group, members]) => [group, Object.keys(members)])),
    )
    expect(found.frozen).not.toContain(false)
    expect(found.channels).toEqual([])
    expect(found.heard).toHaveLength(1)
    expect(found.heard[0]).toContain('version')
    expect(found.heard[0]).not.toContain('sender')
  })

  test('S04 the preload script is one file that takes nothing but electron', async () => {
    expect(await readdir(path.join(root, 'out/preload'))).toEqual(['index.cjs'])
    const source = await readFile(path.join(root, 'out/preload/index.cjs'), 'utf8')
    const taken = [...source.matchAll(/\brequire\(([^)]*)\)/g)].map((match) => match[1])
    expect(new Set(taken)).toEqual(new Set(['"electron"']))
    expect(source).not.toMatch(/\bimport\(/)
  })

  test('S05 the page is served with a policy, and inline script and eval fail', async () => {
    const policy = await paddock.app.evaluate(async ({ net }) => {
      const response = await net.fetch('app://paddock/index.html')
      return response.headers.get('content-security-policy')
    })
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/unsafe|\*/)
    const tried = await paddock.page.evaluate(
      () =>
        new Promise<Record<string, unknown>>((resolve) => {
          // Outside of the call of the debugger, to which other rules apply.
          setTimeout(() => {
            const results: Record<string, unknown> = {}
            const script = document.createElement('script')
            script.textContent = 'window.inlineRan = true'
            document.body.append(script)
            const button = document.createElement('button')
            button.setAttribute('onclick', 'window.attributeRan = true')
            document.body.append(button)
            button.click()
            const attempts: Record<string, () => unknown> = {
              eval: () => eval('1') as unknown,
              // eslint-disable-next-line @typescript-eslint/no-implied-eval -- what is tried here
              function: () => new Function('return 1'),
            }
            for (const [name, attempt] of Object.entries(attempts)) {
              try {
                results[name] = attempt()
              } catch (error) {
                results[name] = (error as Error).name
              }
            }
            results['inline'] = 'inlineRan' in window
            results['attribute'] = 'attributeRan' in window
            script.remove()
            button.remove()
            resolve(results)
          })
        }),
    )
    expect(tried).toEqual({ eval: 'EvalError', function: 'EvalError', inline: false, attribute: false })
  })

  test('S06 nothing outside of the page’s folder is served', async () => {
    const answers = await paddock.app.evaluate(async ({ net }) => {
      const statuses: Record<string, number | string> = {}
      for (const url of [
        'app://paddock/index.html',
        'app://paddock/../main/index.cjs',
        'app://paddock/%2e%2e/main/index.cjs',
        'app://paddock/..%2fmain%2findex.cjs',
        'app://paddock/..%5cmain%5cindex.cjs',
        'app://paddock//etc/passwd',
        'app://paddock/nothing.html',
        'app://elsewhere/index.html',
      ]) {
        statuses[url] = await net.fetch(url).then(
          (response) => response.status,
          (error: unknown) => String(error),
        )
      }
      return statuses
    })
    const { 'app://paddock/index.html': page, ...others } = answers
    expect(page).toBe(200)
    expect(others).toEqual(Object.fromEntries(Object.keys(others).map((url) => [url, 404])))
    expect(paddock.page.url()).toMatch(/^app:\/\/paddock\/index\.html/)
  })

  test('S07, S08 the page stays where it is and opens nothing', async () => {
    const { page } = paddock
    const before = page.url()
    const opened = await page.evaluate(() => {
      const results = [window.open('https://example.com'), window.open('about:blank')]
      for (const target of ['_self', '_blank', '_top']) {
        const link = document.createElement('a')
        link.href = 'https://example.com/'
        link.target = target
        document.body.append(link)
        link.click()
        link.remove()
      }
      const form = document.createElement('form')
      form.action = 'https://example.com/'
      document.body.append(form)
      form.submit()
      form.remove()
      window.location.href = 'file:///etc/passwd'
      return results.filter((each) => each !== null).length
    })
    expect(opened).toBe(0)
    // An answer of the page shows that it was not replaced.
    await paddock.call('app', 'info')
    expect(page.url()).toBe(before)
    expect(await paddock.app.evaluate(({ webContents }) => webContents.getAllWebContents().length)).toBe(1)
  })

  test('S09 every permission is denied', async () => {
    const states = await paddock.page.evaluate(async () => {
      const results: Record<string, string> = {}
      for (const name of ['geolocation', 'notifications', 'camera', 'microphone', 'clipboard-read', 'midi']) {
        results[name] = await navigator.permissions.query({ name: name as PermissionName }).then(
          (status) => status.state,
          (error: unknown) => String(error),
        )
      }
      results['request'] = await Notification.requestPermission()
      results['media'] = await navigator.mediaDevices.getUserMedia({ audio: true }).then(
        () => 'granted',
        () => 'denied',
      )
      results['read'] = await navigator.clipboard.readText().then(
        () => 'granted',
        () => 'denied',
      )
      return results
    })
    expect(new Set(Object.values(states))).toEqual(new Set(['denied']))
  })

  test('S10 the page reaches no network, by whatever it tries', async () => {
    const seen: string[] = []
    const trap = createServer((request, response) => {
      seen.push(request.url ?? '')
      response.end()
    })
    trap.on('upgrade', (request, socket) => {
      seen.push(request.url ?? '')
      socket.destroy()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const address = `127.0.0.1:${(trap.address() as AddressInfo).port}`
    const tried = await paddock.page.evaluate(async (host) => {
      const failures: string[] = []
      const attempts: Record<string, () => unknown> = {
        fetch: () => fetch(`http://${host}/fetch`),
        xhr: () =>
          new Promise((resolve, reject) => {
            const request = new XMLHttpRequest()
            request.onload = resolve
            request.onerror = reject
            request.open('GET', `http://${host}/xhr`)
            request.send()
          }),
        socket: () =>
          new Promise((resolve, reject) => {
            const socket = new WebSocket(`ws://${host}/socket`)
            socket.onopen = resolve
            socket.onerror = reject
          }),
        events: () =>
          new Promise((resolve, reject) => {
            const source = new EventSource(`http://${host}/events`)
            source.onopen = resolve
            source.onerror = () => {
              source.close()
              reject(new Error('refused'))
            }
          }),
      }
      for (const tag of ['img', 'script', 'link', 'iframe', 'video', 'object'] as const) {
        attempts[tag] = () =>
          new Promise((resolve, reject) => {
            const element = document.createElement(tag)
            element.addEventListener('error', reject)
            document.addEventListener('securitypolicyviolation', reject, { once: true })
            element.setAttribute('rel', 'stylesheet')
            for (const name of ['src', 'href', 'data']) element.setAttribute(name, `http://${host}/${tag}`)
            document.body.append(element)
            // A frame that was refused loads an error page of its own.
            if (tag !== 'iframe') element.addEventListener('load', resolve)
          })
      }
      for (const [name, attempt] of Object.entries(attempts)) {
        await Promise.resolve()
          .then(attempt)
          .catch(() => failures.push(name))
      }
      navigator.sendBeacon(`http://${host}/beacon`)
      document
        .querySelectorAll('body > :is(img, script, link, iframe, video, object)')
        .forEach((each) => each.remove())
      return { attempts: Object.keys(attempts), failures }
    }, address)
    // The trap works: a request that is allowed arrives.
    await fetch(`http://${address}/own`)
    await new Promise((resolve) => trap.close(resolve))
    expect(tried.failures).toEqual(tried.attempts)
    expect(seen).toEqual(['/own'])
  })

  test('S11 a foreign frame gets no answer, an own frame no bridge', async () => {
    const inner = await paddock.page.evaluate(() => {
      const frame = document.createElement('iframe')
      document.body.append(frame)
      const has = 'paddock' in (frame.contentWindow ?? {})
      frame.remove()
      return has
    })
    expect(inner).toBe(false)
    const answer = await paddock.app.evaluate(
      async ({ BrowserWindow }, preload) => {
        const foreign = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } })
        try {
          await foreign.loadURL('data:text/html,foreign')
          return (await foreign.webContents.executeJavaScript('paddock.ipc.state.snapshot()')) as unknown
        } finally {
          foreign.destroy()
        }
      },
      path.join(root, 'out/preload/index.cjs'),
    )
    expect(answer).toMatchObject({ ok: false, error: { code: 'ipc.forbidden' } })
  })

  test('S14 nothing is ever handed to another program by address', async () => {
    const folder = path.join(root, 'out/main')
    for (const file of await readdir(folder)) {
      if (file.endsWith('.cjs'))
        expect(await readFile(path.join(folder, file), 'utf8')).not.toContain('openExternal')
    }
  })

  test('a second start shows the window of the first and ends', async () => {
    await paddock.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.minimize())
    const { stdout } = await run(
      process.env['PADDOCK_ELECTRON']!,
      [root, ...process.env['PADDOCK_ELECTRON_SWITCHES']!.split(' '), '--state-dir', paddock.stateDir],
      { timeout: 20_000 },
    )
    expect(stdout).not.toContain('Error')
    const windows = await paddock.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => window.isMinimized()),
    )
    expect(windows).toEqual([false])
  })

  test('the window cannot become smaller than its screens', async () => {
    const size = await paddock.app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows()
      return {
        smallest: window!.getMinimumSize(),
        title: window!.getTitle(),
        tools: window!.webContents.isDevToolsOpened(),
      }
    })
    expect(size).toEqual({ smallest: [720, 480], title: 'Paddock', tools: false })
  })
})

test('S16 no process that Paddock starts inherits the environment', async ({ start, folder }) => {
  test.skip(process.platform !== 'linux', 'reads /proc')
  const bundle = await writeBundle(folder, { name: 'counter', fixture: 'counter' })
  const paddock = await start({ environment: { PADDOCK_CANARY: 'canary-5e1f' }, examples: [bundle] })
  await expect.poll(async () => (await paddock.snapshot()).modules[0]?.status.state).toBe('running')
  const sandbox = await paddock.pidOf('counter')
  const environment = (await readFile(`/proc/${sandbox}/environ`, 'utf8')).split('\0')
  expect(environment.some((entry) => entry.startsWith('PATH='))).toBe(true)
  expect(environment.filter((entry) => entry.includes('CANARY'))).toEqual([])
  expect(environment.filter((entry) => /^(NODE_OPTIONS|ELECTRON_RUN_AS_NODE)=/.test(entry))).toEqual([])
  const { devnet } = await paddock.snapshot()
  const anvil = (await readFile(`/proc/${devnet.pid}/environ`, 'utf8')).split('\0')
  expect(anvil.filter((entry) => entry.includes('CANARY'))).toEqual([])
})
