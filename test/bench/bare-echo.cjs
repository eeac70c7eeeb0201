// The bare mechanism under a sandbox call: one process, one message there, one back.
const port = process.parentPort
if (port) port.on('message', ({ data }) => port.postMessage(data))
else process.on('message', (message) => process.send(message))
