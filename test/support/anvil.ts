import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { findAnvil } from '../../src/engine/devnet/anvil-binary.ts'

/** A real anvil that mines when told, and that can be killed and started again at its port. */
export class Anvil {
  #process: ChildProcess | null = null
  #port = 0
  readonly #options: readonly string[]

  /** `options` go on anvil's command line, `--chain-id` for instance. */
  constructor(options: readonly string[] = []) {
    this.#options = options
  }

  get http(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get ws(): string {
    return `ws://127.0.0.1:${this.#port}`
  }

  /** Starts with the state of the last run when there is a state file. */
  async start(statePath: string): Promise<this> {
    const binary = await findAnvil(process.cwd())
    const args = ['--port', String(this.#port), '--no-mining', '--state', statePath, ...this.#options]
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#process = child
    const lines = createInterface({ input: child.stdout })
    this.#port = await new Promise<number>((resolve, reject) => {
      lines.on('line', (line) => {
        const port = /^Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
        if (port !== undefined) resolve(Number(port))
      })
      child.once('exit', () => reject(new Error('anvil ended before it listened')))
    })
    return this
  }

  /** Ends it; with SIGTERM it writes its state first. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }

  /** Waits until the state file of an anvil with `--state-interval` has the block, and copies it for a later start. */
  async keepState(statePath: string, block: number, copy: string): Promise<void> {
    for (;;) {
      const text = await readFile(statePath, 'utf8').catch(() => '')
      if (bestBlock(text) >= block) return writeFile(copy, text)
      await setTimeout(20)
    }
  }

  async mine(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.rpc('evm_mine', [])
  }

  async rpc(method: string, params: unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(this.http, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    return ((await response.json()) as { result: unknown }).result
  }
}

/** -1 while the file is being written. */
function bestBlock(text: string): number {
  try {
    return Number((JSON.parse(text) as { best_block_number: string | number }).best_block_number)
  } catch {
    return -1
  }
}
