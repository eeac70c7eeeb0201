// A web server beside the engine: answers at once, later, or never, by its path; counts what it received.
const { createServer } = require('node:http')

const open = new Set()
let received = 0
const server = createServer((request, response) => {
  received += 1
  const [, kind, ms] = request.url.split('/')
  request.resume()
  if (kind === 'quick') response.end('quick')
  if (kind === 'slow') setTimeout(() => response.end('slow'), Number(ms))
})
server.on('connection', (socket) => {
  open.add(socket)
  socket.on('close', () => open.delete(socket))
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', (message) => {
  if (message === 'count') process.send({ received, open: open.size })
  else process.exit(0)
})
process.on('disconnect', () => process.exit(0))
