/** What the operator says of secrets, as calls meet it (spec tools 3, 4 step 9, 5). */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { closeEngines, faultOf } from '../../support/engine.ts'
import { LocalWeb } from '../../support/local-web.ts'
import { failureOf, nothingHeld, TestTools } from '../../support/tool-engine.ts'

const value = 'very-secret-value-77'
const web = new LocalWeb()
let tools: TestTools

beforeAll(async () => {
  await web.start()
  tools = await TestTools.start()
  await tools.load({
    name: 'probe',
    ports: [web.port],
    more: [
      '[[credentials]]',
      'secret = "web_token"',
      'inject = { type = "bearer" }',
      'hosts = ["127.0.0.1"]',
      '[secrets]',
      'visible = ["web_token"]',
    ],
  })
}, 120_000)

afterAll(async () => {
  await closeEngines()
  await tools.close()
  await web.stop()
})

const get = (): object => ({ do: 'http', url: `http://127.0.0.1:${web.port}/` })
const refused = { failure: { kind: 'auth-required', code: 'credential_unavailable', requestSent: false } }
const secretView = (): unknown => tools.service.list()[0]?.secrets

it('spec tools 14 secret-exists, all-or-nothing staging: a secret is used only with a value and a grant for the host', async () => {
  const exists = { do: 'exists', name: 'web_token' }
  expect(await tools.output('probe', { steps: [get(), exists] })).toMatchObject([refused, false])
  await tools.service.setSecret('web_token', new TextEncoder().encode(value))
  expect(secretView()).toMatchObject([{ name: 'web_token', present: true, granted: false, required: true }])
  expect(await tools.output('probe', { steps: [get(), exists] })).toMatchObject([refused, false])
  expect(web.received).toHaveLength(0)
  expect(await faultOf(tools.service.grantSecret('probe', 'web_token', ['other.example']))).toMatchObject({
    code: 'module.not_asked',
  })
  await tools.service.grantSecret('probe', 'web_token', ['127.0.0.1'])
  expect(secretView()).toMatchObject([{ present: true, granted: true }])
  const [answer, there] = (await tools.output('probe', { steps: [get(), exists] })) as [unknown, boolean]
  expect([answer, there]).toMatchObject([{ status: 200 }, true])
  expect(web.received[0]?.headers.authorization).toBe(`Bearer ${value}`)
  expect(await tools.service.secrets()).toMatchObject([
    { name: 'web_token', grants: [{ module: 'probe', hosts: ['127.0.0.1'] }] },
  ])
  await tools.service.grantSecret('probe', 'web_token', [])
  expect(await tools.output('probe', { steps: [get(), exists] })).toMatchObject([refused, false])
  expect(web.received).toHaveLength(1)
})

it('tells with auth-required which secret to renew, and never its value', async () => {
  await tools.service.grantSecret('probe', 'web_token', ['127.0.0.1'])
  web.handler = ({ headers }, response) => {
    response.statusCode = 401
    response.end(`no ${headers.authorization ?? ''}`)
  }
  const steps = [
    get(),
    { do: 'log', message: `it was ${value}` },
    { do: 'fail', kind: 'auth-required', message: value },
  ]
  const view = await tools.call('probe', { steps })
  expect(failureOf(view)).toMatchObject({
    kind: 'auth_required',
    secrets: ['web_token'],
    httpStatus: 401,
    message: '[REDACTED]',
  })
  expect(view.trace).toMatchObject([{ injected: ['web_token'], status: 401, verdict: { kind: 'allowed' } }])
  expect(JSON.stringify(view)).not.toContain(value)
  expect(tools.held).toEqual(nothingHeld)
})
