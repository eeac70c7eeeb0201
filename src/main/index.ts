/** Composition root of the desktop app: settings, engine, window, IPC. */
import path from 'node:path'
import { app, BrowserWindow, ipcMain, nativeTheme, protocol, type IpcMainInvokeEvent } from 'electron'
import { Engine } from '../engine/engine.ts'
import { dataKeySource, passphraseFileVariable } from '../engine/secret-keys/data-key.ts'
import type { PaddockHandlers } from '../shared/ipc/schema.ts'
import { toErrorReport, type ErrorReport } from '../shared/errors.ts'
import { appKeychain } from './app-keychain.ts'
import { appOrigin, serveApp } from './app-protocol.ts'
import { readArguments } from './arguments.ts'
import { addExamples } from './examples.ts'
import { createHandlers } from './ipc/handlers.ts'
import { serveIpc } from './ipc/server.ts'
import { printLogs } from './print-logs.ts'
import { openSettings } from './settings-store.ts'
import { UtilityLauncher } from './utility-launcher.ts'
import { createWindow } from './window.ts'

const here = __dirname
/** Time the engine gets to stop its modules when the app quits. */
const shutdownMs = 10_000

protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: false, corsEnabled: false } },
])

async function run(): Promise<void> {
  const options = readArguments(process.argv, process.env, app.getPath('userData'))
  app.setPath('userData', options.stateDir)
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  await app.whenReady()

  const { port: settings, warning } = openSettings(options.stateDir, Date.now())
  const engine = new Engine({
    version: app.getVersion(),
    stateDir: options.stateDir,
    settings,
    launcher: new UtilityLauncher(),
    dataKey: dataKeySource({
      stateDir: options.stateDir,
      passphraseFile: process.env[passphraseFileVariable],
      keychain: appKeychain,
    }),
    entries: {
      sandbox: path.join(here, 'sandbox.cjs'),
      compiler: path.join(here, 'compiler.cjs'),
      telemetry: path.join(here, 'telemetry.cjs'),
      storeReader: path.join(here, 'store-reader.cjs'),
      messageStore: path.join(here, 'message-store.cjs'),
      contentStore: path.join(here, 'content-store.cjs'),
    },
  })
  if (warning !== null) engine.state.raise('settings', 'warn', { kind: 'settings' }, warning)
  if (options.print) printLogs(engine.logs, process.stdout)

  let window: BrowserWindow | null = null
  const pageUrl = process.env['ELECTRON_RENDERER_URL'] ?? `${appOrigin}/index.html`
  serveApp(protocol, path.join(here, '../renderer'))

  const applyTheme = (): void => {
    nativeTheme.themeSource = settings.get().theme
  }
  applyTheme()

  const handlers: PaddockHandlers = createHandlers({
    engine,
    settings,
    window: () => window,
    onPreferences: applyTheme,
    emitProgress: (token, step, fraction) => ipc.emit.modules.progress({ token, step, fraction }),
  })
  const ipc = serveIpc({
    ipcMain,
    handlers,
    isTrusted: (event) => isOwnPage(event, pageUrl),
    windows: () => BrowserWindow.getAllWindows().map((each) => each.webContents),
    onFault: (where, error) => engine.reportFault(where, error),
  })
  engine.state.onChange((change) => ipc.emit.state.changed(change))

  const showWindow = (): void => {
    if (window !== null && !window.isDestroyed()) {
      if (window.isMinimized()) window.restore()
      window.focus()
      return
    }
    window = createWindow({
      preload: path.join(here, '../preload/index.cjs'),
      icon: path.join(here, '../../resources/icons/icon-512.png'),
      dark: nativeTheme.shouldUseDarkColors,
      pageUrl,
    })
    window.on('closed', () => {
      window = null
    })
  }

  app.on('second-instance', showWindow)
  app.on('activate', showWindow)
  app.on('window-all-closed', () => app.quit())
  stopEngineOnQuit(engine)
  showWindow()
  try {
    await engine.start()
  } catch (error) {
    // The window stays: it says what is wrong and what to do.
    const report = toErrorReport(error)
    engine.state.raise('engine start', 'error', { kind: 'engine' }, report)
    tell(report)
    return
  }
  await addExamples(engine, settings, { bundles: options.examples, flows: options.exampleFlows })
}

/** Quits only when the modules have stopped and the devnet is down. */
function stopEngineOnQuit(engine: Engine): void {
  let stopped = false
  app.on('before-quit', (event) => {
    if (stopped) return
    event.preventDefault()
    const timer = setTimeout(() => app.exit(1), shutdownMs)
    void engine.shutdown().finally(() => {
      stopped = true
      clearTimeout(timer)
      app.quit()
    })
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.quit())
}

function isOwnPage(event: IpcMainInvokeEvent, pageUrl: string): boolean {
  const frame = event.senderFrame
  if (frame === null || frame.parent !== null) return false
  return originOf(frame.url) === originOf(pageUrl)
}

/** Protocol and host; `URL.origin` is "null" for a scheme of our own. */
function originOf(text: string): string {
  try {
    const url = new URL(text)
    return `${url.protocol}//${url.host}`
  } catch {
    return ''
  }
}

function tell(report: ErrorReport): void {
  process.stderr.write(`paddock: ${report.code}: ${report.message} ${report.remedy}\n`)
}

function fail(error: unknown): void {
  tell(toErrorReport(error))
  app.exit(1)
}

// Defaults differ between Electron's generations: ours hold everywhere (style 4).
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

run().catch(fail)
