import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { WsWire } from './ws-wire.ts'

const large = 'x'.repeat(3 * 1024 * 1024)
const options = { timeoutMs: 5_000 }

let server: WebSocketServer
let wire: WsWire
/** What the node sends for a request; nothing for null. */
let answer: (id: number) => string | null
let connections: number

beforeEach(async () => {
  connections = 0
  answer = (id) => `{"jsonrpc":"2.0","id":${id},"result":"0x1"}`
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => {
    connections += 1
    socket.on('message', (data: Buffer) => {
      const { id } = JSON.parse(data.toString('utf8')) as { id: number }
      const text = answer(id)
      if (text !== null) socket.send(text)
    })
  })
  await new Promise((resolve) => server.once('listening', resolve))
  wire = new WsWire(new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`))
})

afterEach(() => {
  wire.close()
  server.close()
})

const ask = (more = {}) => wire.call({ method: 'eth_chainId', params: '[]' }, { ...options, ...more })

describe('a WebSocket to a hostile node', () => {
  it.each([
    ['first', (id: number) => `{"jsonrpc":"2.0","id":${id},"result":"${large}"}`],
    ['last', (id: number) => `{"result":"${large}","id":${id},"jsonrpc":"2.0"}`],
  ])('gives up an answer that is too large and no other, with the id %s', async (_where, text) => {
    answer = (id) => (id === 1 ? null : text(id))
    const other = ask({ maxBytes: 10 })
    await expect(ask()).rejects.toMatchObject({ kind: 'too-large' })
    answer = (id) => `{"jsonrpc":"2.0","id":${id},"result":"0x2"}`
    expect(await ask()).toEqual({ ok: true, result: '"0x2"' })
    expect(connections).toBe(1)
    wire.close()
    await expect(other).rejects.toMatchObject({ kind: 'closed' })
  })

  it('takes as much as a request of ours may bring', async () => {
    answer = (id) => `{"jsonrpc":"2.0","id":${id},"result":"${large}"}`
    expect(await ask({ maxBytes: 4 * 1024 * 1024 })).toMatchObject({ ok: true })
  })

  it.each([
    ['lists within lists', '['.repeat(2_000_000)],
    [
      'a notice without end',
      `{"method":"eth_subscription","params":{"subscription":"1","result":"${large}"}}`,
    ],
    ['a list of nothing', '[]'],
    ['a list of other things', `[1,"a",{"x":1}]`],
  ])('ends a connection that brings %s', async (_what, text) => {
    answer = () => text
    await expect(ask()).rejects.toMatchObject({ kind: 'not-json-rpc' })
    answer = (id) => `{"jsonrpc":"2.0","id":${id},"result":"0x1"}`
    expect(await ask()).toMatchObject({ ok: true })
    expect(connections).toBe(2)
  })
})
