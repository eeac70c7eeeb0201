// The bare mechanism under a sandbox call: one process, one message there, one back.
process.on('message', (message) => process.send(message))
