/** Bodies of megabytes between a guest and a server, through engine, broker and sandbox in processes of their own. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { closeEngines } from '../../support/engine.ts'
import { nothingHeld, TestTools } from '../../support/tool-engine.ts'

const mebibyte = 1_048_576

let tools: TestTools
let server: Server
let received = 0

beforeAll(async () => {
  server = createServer((request, response) => {
    received += 1
    if (request.url === '/echo') request.pipe(response)
    else request.resume().on('end', () => response.end('small'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  tools = await TestTools.start({ ownBroker: true })
  const http = { max_request_bytes: 10 * mebibyte, max_response_bytes: 10 * mebibyte }
  await tools.load({ name: 'probe', ports: [port], http })
  await tools.load({ name: 'small', ports: [port], http: { max_request_bytes: mebibyte } })
}, 120_000)

afterAll(async () => {
  await closeEngines()
  await tools.close()
  server.close()
})

function url(path: string): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
}

it('spec tools 13: 10 MiB arrive whole both ways, one byte more is refused and not sent', async () => {
  const step = { do: 'http', method: 'POST', url: url('/echo') }
  const sizes = [0, 1, 262_144, 262_145, 10 * mebibyte]
  for (const size of sizes) {
    expect(await tools.output('probe', { step: { ...step, size } }), String(size)).toEqual({
      status: 200,
      same: true,
    })
  }
  expect(await tools.output('probe', { step: { ...step, size: 10 * mebibyte + 1 } })).toMatchObject({
    failure: { kind: 'input', code: 'request_too_large', requestSent: false },
  })
  expect(received).toBe(sizes.length)
}, 60_000)

it('a body over the tool’s own limit is refused, and the next request is whole', async () => {
  const before = received
  const step = { do: 'http', method: 'POST', url: url('/echo') }
  const steps = [
    { ...step, size: 3 * mebibyte },
    { ...step, size: 700_000 },
  ]
  expect(await tools.output('small', { steps })).toEqual([
    { failure: expect.objectContaining({ code: 'request_too_large', requestSent: false }) as unknown },
    { status: 200, same: true },
  ])
  expect(received).toBe(before + 1)
  const { usage } = await tools.call('small', { steps })
  expect(usage).toMatchObject({ egressBytes: 700_000, httpRequests: 1 })
  expect(tools.held).toEqual(nothingHeld)
}, 60_000)
