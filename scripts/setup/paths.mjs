import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What set-up keeps between runs: stamps, the compiled addon, a fallback Electron. Safe to delete. */
export const cache = join(root, '.cache')

export const modulesFolder = join(root, 'node_modules')

/** Node 26 from npm: the machine's own may be too old for the tools and for better-sqlite3. */
export const node = join(modulesFolder, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
