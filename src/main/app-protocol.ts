/** Serves the built page under app://paddock/, with a strict policy and nothing outside its folder (style 10, S05, S06). */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Protocol } from 'electron'

export const appOrigin = 'app://paddock'

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const notFound = (): Response => new Response('Not found', { status: 404 })

/** The file of `root` a request means, or null: only plain names below the folder are served. */
export function resolveRequest(root: string, requestUrl: string): string | null {
  let url: URL
  try {
    url = new URL(requestUrl)
  } catch {
    return null
  }
  if (url.protocol !== 'app:' || url.host !== 'paddock') return null
  let pathname: string
  try {
    pathname = decodeURIComponent(url.pathname)
  } catch {
    return null
  }
  if (pathname === '/' || pathname === '') pathname = '/index.html'
  const isPlain = pathname
    .slice(1)
    .split('/')
    .every((part) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(part))
  if (!isPlain) return null
  return contentTypes[path.extname(pathname)] === undefined ? null : path.join(root, pathname)
}

export function serveApp(protocol: Protocol, root: string): void {
  protocol.handle('app', async (request) => {
    const file = resolveRequest(root, request.url)
    if (file === null || request.method !== 'GET') return notFound()
    try {
      const body = await readFile(file)
      return new Response(new Uint8Array(body), {
        headers: {
          'content-type': contentTypes[path.extname(file)] ?? 'application/octet-stream',
          'content-security-policy': contentSecurityPolicy,
          'x-content-type-options': 'nosniff',
        },
      })
    } catch {
      return notFound()
    }
  })
}
