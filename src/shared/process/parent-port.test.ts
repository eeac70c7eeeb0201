import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { openParentChannel, type ChildProcessLike, type ParentPortLike } from './parent-port.ts'

test('the real process type fits without a cast', () => {
  const channel = openParentChannel(process)
  expect(channel === undefined || typeof channel.post === 'function').toBe(true)
})

test('a process with a parent port talks over it, and a removed listener hears nothing', () => {
  const sent: unknown[] = []
  const port: ParentPortLike & EventEmitter = Object.assign(new EventEmitter(), {
    postMessage: (message: unknown) => void sent.push(message),
  })
  const host: ChildProcessLike = Object.assign(new EventEmitter(), { parentPort: port })
  const channel = openParentChannel(host)
  const received: unknown[] = []
  const remove = channel?.onMessage((message) => received.push(message))
  port.emit('message', { data: { a: 1 } })
  remove?.()
  port.emit('message', { data: { a: 2 } })
  channel?.post('up')
  expect(received).toEqual([{ a: 1 }])
  expect(sent).toEqual(['up'])
})

test('a forked child talks over send, drops messages once disconnected, and hears the disconnect once', () => {
  const sent: unknown[] = []
  const host = Object.assign(new EventEmitter(), {
    connected: true,
    send: (message: unknown) => sent.push(message) > 0,
  })
  const channel = openParentChannel(host)
  const received: unknown[] = []
  let gone = 0
  channel?.onMessage((message) => received.push(message))
  channel?.onDisconnect(() => gone++)
  host.emit('message', 7)
  channel?.post('first')
  host.connected = false
  channel?.post('lost')
  host.emit('disconnect')
  host.emit('disconnect')
  expect(received).toEqual([7])
  expect(sent).toEqual(['first'])
  expect(gone).toBe(1)
})

test('a process started by hand has no channel', () => {
  expect(openParentChannel(new EventEmitter() as ChildProcessLike)).toBeUndefined()
})
