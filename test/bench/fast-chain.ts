/** An anvil whose blocks are mined on demand, at a given rate, from a process of its own. */
import { spawn } from 'node:child_process'
import { findAnvil } from '../../src/engine/devnet/anvil-binary.ts'

const perSecond = Number(process.argv[2])
const anvil = spawn(await findAnvil(import.meta.dirname), [
  '--port',
  '0',
  '--chain-id',
  '31337',
  '--no-mining',
  '--prune-history',
  '50',
])
process.on('exit', () => anvil.kill('SIGKILL'))
process.on('SIGTERM', () => process.exit(0))
process.stdin.on('end', () => process.exit(0))

anvil.stdout.on('data', (chunk: Buffer) => {
  const address = /Listening on (127\.0\.0\.1:\d+)/.exec(chunk.toString())?.[1]
  if (address === undefined) return
  process.stdout.write(`ws://${address}\n`)
  process.stdin.once('data', () => mine(`http://${address}`))
})

function mine(url: string): void {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'evm_mine', params: [] })
  const began = performance.now()
  let mined = 0
  const beat = async (): Promise<void> => {
    const due = Math.floor(((performance.now() - began) / 1_000) * perSecond)
    while (mined < due) {
      mined += 1
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    }
    setTimeout(() => void beat(), 2)
  }
  void beat()
}
