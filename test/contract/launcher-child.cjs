// What the launcher contract starts: does one thing per message, under either launcher.
'use strict'
const port = process.parentPort
const post = (message) => (port ? port.postMessage(message) : process.send(message))
const listen = (listener) =>
  port ? port.on('message', (event) => listener(event.data)) : process.on('message', listener)

listen((message) => {
  switch (message.do) {
    case 'echo':
      return post(message.value)
    case 'count':
      for (let index = 0; index < message.to; index++) post(index)
      return undefined
    case 'describe':
      return post({ argv: process.argv.slice(2), execArgv: process.execArgv, env: Object.keys(process.env) })
    case 'print':
      process.stderr.write(message.stderr)
      return process.stdout.write(message.stdout, () => process.exit(0))
    case 'exit':
      return process.exit(message.code)
    case 'throw':
      throw new Error('on purpose')
    case 'signal':
      return process.kill(process.pid, message.signal)
    case 'fill-heap': {
      const kept = []
      for (;;) kept.push(new Array(100_000).fill(kept.length))
    }
    case 'spin':
      for (;;);
    default:
      return undefined
  }
})
if (!port) process.on('disconnect', () => process.exit(0))
post('up')
