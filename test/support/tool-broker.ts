/** A tool broker in its real process, with every message between it and the engine kept. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { serialize } from 'node:v8'
import { createToolBroker, type ToolBrokerOptions } from '../../src/engine/broker/client/tool-broker.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { ToolBroker } from '../../src/engine/contracts/tool/broker.ts'
import { ForkLauncher } from '../../src/engine/sandboxes/fork-launcher.ts'
import type { LaunchedProcess, LaunchOptions, SandboxLauncher } from '../../src/engine/sandboxes/launcher.ts'
import { testCertificate } from './local-web.ts'
import type { ToolWorld } from './tool-world.ts'

const built = path.resolve(import.meta.dirname, '../../out/main')

export interface Kept {
  readonly direction: 'to broker' | 'from broker' | 'printed'
  readonly kind: string
  readonly bytes: Buffer
}

/** Starts real processes and keeps what goes over their channels. */
export class ListeningLauncher implements SandboxLauncher {
  readonly kept: Kept[] = []
  readonly launched: LaunchedProcess[] = []
  private readonly inner = new ForkLauncher()

  launch(options: LaunchOptions): LaunchedProcess {
    const process = this.inner.launch(options)
    this.launched.push(process)
    process.onMessage((message) => this.keep('from broker', message))
    process.onOutput((line) => this.keep('printed', line))
    return {
      get pid() {
        return process.pid
      },
      post: (message) => {
        this.keep('to broker', message)
        process.post(message)
      },
      onMessage: (listener) => process.onMessage(listener),
      onExit: (listener) => process.onExit(listener),
      onOutput: (listener) => process.onOutput(listener),
      kill: () => process.kill(),
    }
  }

  private keep(direction: Kept['direction'], message: unknown): void {
    const kind = (message as { kind?: unknown } | null)?.kind
    this.kept.push({ direction, kind: String(kind), bytes: serialize(message) })
  }
}

export function brokerOf(
  world: ToolWorld,
  launcher: SandboxLauncher,
  changes: Partial<ToolBrokerOptions> = {},
): ToolBroker {
  return createToolBroker({
    launcher,
    entry: path.join(built, 'tool-broker.cjs'),
    scanEntry: path.join(built, 'leak-scan.cjs'),
    secretsFile: path.join(world.folder, 'broker', 'secrets.json'),
    dataKey: () => Promise.resolve(new Uint8Array(createHash('sha256').update(world.folder).digest())),
    workspaceRoot: path.join(world.folder, 'workspace'),
    clock: systemClock,
    random: () => 0,
    nameServers: [world.dns.server],
    trustedCertificates: testCertificate,
    ...changes,
  })
}
