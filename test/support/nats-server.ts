/** A real nats-server with JetStream on a free port, in a folder of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

/** Debian puts it into /usr/sbin, which is on few users' paths. */
const candidates = ['nats-server', '/usr/sbin/nats-server', '/usr/local/bin/nats-server']
const startTimeoutMs = 10_000
const portsSchema = z.object({ nats: z.array(z.string()).min(1) })

/** The command, or null where it is not installed. */
export function natsServerCommand(): string | null {
  for (const command of candidates) {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' })
      return command
    } catch {
      continue
    }
  }
  return null
}

export const natsMissing = 'nats-server is not installed (Debian: apt-get install nats-server)'

export class NatsServer {
  readonly url: string
  private readonly folder: string
  private process: ChildProcess

  private constructor(folder: string, launched: Launched) {
    this.folder = folder
    this.url = launched.url
    this.process = launched.process
  }

  static async start(): Promise<NatsServer> {
    const folder = await mkdtemp(join(tmpdir(), 'paddock-nats-'))
    return new NatsServer(folder, await launch(folder, -1))
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const { process } = this
    if (process.exitCode !== null || process.signalCode !== null) return
    const ended = new Promise((resolve) => process.once('exit', resolve))
    process.kill('SIGKILL')
    await ended
  }

  /** Starts it again on the same port, with what it kept. */
  async restart(): Promise<void> {
    this.process = (await launch(this.folder, Number(new URL(this.url).port))).process
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }
}

interface Launched {
  readonly process: ChildProcess
  readonly url: string
}

/** Port -1 lets the server choose; it writes what it chose into a file named after its process. */
async function launch(folder: string, port: number): Promise<Launched> {
  const command = natsServerCommand()
  if (command === null) throw new Error(natsMissing)
  const config = join(folder, 'server.conf')
  await writeFile(
    config,
    `listen: "127.0.0.1:${port}"\nmax_payload: 8MB\nports_file_dir: ${JSON.stringify(folder)}\njetstream { store_dir: ${JSON.stringify(join(folder, 'js'))}, max_file: 2G }\n`,
  )
  const child = spawn(command, ['-c', config], { stdio: 'ignore' })
  const end = performance.now() + startTimeoutMs
  while (performance.now() < end && child.exitCode === null) {
    const name = (await readdir(folder)).find((file) => file.endsWith(`_${child.pid}.ports`))
    const text = name === undefined ? '' : await readFile(join(folder, name), 'utf8')
    if (text !== '') {
      const [url] = portsSchema.parse(JSON.parse(text)).nats
      if (url !== undefined) return { process: child, url }
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  child.kill('SIGKILL')
  throw new Error('nats-server did not start')
}
