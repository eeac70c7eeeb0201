import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { isIP } from 'node:net'

/** More is not read: a hosts file that blocks advertisers has a few megabytes. */
const maxBytes = 4 * 1024 * 1024

/** The machine's own table of names, read again when it changed. */
export class HostsFile {
  private readonly file: string
  private readAtMs = -1
  private table: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(file = systemHostsFile()) {
    this.file = file
  }

  /** Its addresses of `name`, in order; none when it does not have the name or cannot be read. */
  async addressesOf(name: string): Promise<readonly string[]> {
    try {
      const { mtimeMs, size } = await stat(this.file)
      if (mtimeMs !== this.readAtMs && size <= maxBytes) {
        this.table = parse(await readFile(this.file, 'utf8'))
        this.readAtMs = mtimeMs
      }
    } catch {
      // Many machines have none, and a name is asked of name servers then.
      return []
    }
    return this.table.get(name.toLowerCase()) ?? []
  }
}

function parse(text: string): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, string[]>()
  for (const line of text.split(/\r?\n/)) {
    const [address, ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      const known = table.get(key)
      if (known === undefined) table.set(key, [address])
      else known.push(address)
    }
  }
  return table
}

function systemHostsFile(): string {
  if (process.platform !== 'win32') return '/etc/hosts'
  return path.join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'hosts')
}
