/** The one window and what it may not do (style 10, S01, S07–S09). */
import path from 'node:path'
import { BrowserWindow, session, type WebContents } from 'electron'
import { appOrigin } from './app-protocol.ts'

export interface WindowOptions {
  readonly preload: string
  readonly icon: string
  readonly dark: boolean
  /** Address of the page; the development server's while developing. */
  readonly pageUrl: string
}

export function createWindow(options: WindowOptions): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: 'Paddock',
    icon: options.icon,
    // The canvas colour of either theme, so that nothing flashes before the first paint.
    backgroundColor: options.dark ? '#0f1213' : '#f4f5f4',
    autoHideMenuBar: true,
    webPreferences: {
      preload: path.resolve(options.preload),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  })
  confine(window.webContents, options.pageUrl)
  window.once('ready-to-show', () => window.show())
  void window.loadURL(options.pageUrl)
  return window
}

/** Nothing the page does opens, leaves or asks for anything. */
function confine(contents: WebContents, pageUrl: string): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.on('will-navigate', (event) => event.preventDefault())
  contents.on('will-redirect', (event) => event.preventDefault())
  contents.on('will-attach-webview', (event) => event.preventDefault())
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  session.defaultSession.setPermissionCheckHandler(() => false)
  const allowed = new URL(pageUrl).origin === 'null' ? appOrigin : new URL(pageUrl).origin
  session.defaultSession.webRequest.onBeforeRequest((details, decide) => {
    const isOwn = details.url.startsWith(`${allowed}/`) || details.url.startsWith('devtools:')
    const isSocket = details.url.startsWith(allowed.replace(/^http/, 'ws'))
    decide({ cancel: !(isOwn || isSocket || details.url.startsWith('data:')) })
  })
}
