import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ToolBroker } from '../../../src/engine/contracts/tool/broker.ts'
import type { ProcessExit } from '../../../src/engine/sandboxes/launcher.ts'
import { brokerOf, ListeningLauncher } from '../../support/tool-broker.ts'
import { credential, guestRequest, requestOf, textOf, ToolWorld } from '../../support/tool-world.ts'
import { until } from '../../support/until.ts'

let world: ToolWorld
let launcher: ListeningLauncher
let broker: ToolBroker
beforeEach(async () => {
  world = await ToolWorld.open()
  launcher = new ListeningLauncher()
  broker = brokerOf(world, launcher)
})
afterEach(async () => {
  await broker.close()
  for (const process of launcher.launched) process.kill()
  await world.close()
})

const bytesOf = (text: string) => new TextEncoder().encode(text)

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('spec tools 5: a canary through the real process', () => {
  const canary = 'CANARY/4f1c+9a7e-0b62d8'

  function formsOf(value: string): string[] {
    const raw = Buffer.from(value)
    return [
      value,
      encodeURIComponent(value),
      encodeURIComponent(value).toLowerCase(),
      raw.toString('base64').replace(/=+$/, ''),
      raw.toString('base64url'),
      raw.toString('hex'),
      Buffer.from(`me:${value}`).toString('base64').replace(/=+$/, ''),
      JSON.stringify(value).slice(1, -1),
    ]
  }

  /** Where the canary is, in one or two bytes for each character. */
  const holding = (from: number) =>
    launcher.kept
      .slice(from)
      .filter(({ bytes }) =>
        formsOf(canary).some((form) => bytes.includes(form) || bytes.includes(form, 0, 'utf16le')),
      )
      .map(({ direction, kind }) => `${direction} ${kind}`)

  it('is in no message, line, trace, error, argument or file, however its request ends', async () => {
    const value = bytesOf(canary)
    await broker.secrets.set('key', value)
    expect(value.every((byte) => byte === 0)).toBe(true)
    // The one message that must hold it shows that it would be found.
    expect(holding(0)).toEqual(['to broker set-secret'])
    const from = launcher.kept.length
    const injections = [
      { type: 'bearer' },
      { type: 'header', name: 'x-key', prefix: 'k ' },
      { type: 'query', name: 'id' },
      { type: 'basic', username: 'me' },
    ] as const
    world.web.handler = ({ url, headers }, response) => {
      const all = JSON.stringify({ url, headers })
      if (url.startsWith('/reset')) response.destroy()
      else if (url.startsWith('/slow')) response.write(all)
      else if (url.startsWith('/big')) response.end(all.repeat(200))
      else if (url.startsWith('/blocked')) response.end(`${all} ghp_0123456789abcdefghijklmnopqrstuvwxyz`)
      else if (url.startsWith('/redirect')) response.writeHead(302, { location: `/to?echo=${encodeURIComponent(all)}` }).end()
      else {
        response.writeHead(url.startsWith('/error') ? 500 : 200, { 'x-echo': url, 'content-type': 'application/json' })
        response.end(`${all} ${encodeURIComponent(all)} ${Buffer.from(canary).toString('base64')}`)
      }
    }
    const codes = new Set<string>()
    for (const inject of injections) {
      const call = await broker.open(
        world.policy({
          credentials: [credential('key', inject)],
          visibleSecrets: ['k*'],
          http: { maxResponseBytes: 20_000, allow: [world.rule(), world.rule({ host: 'gone.web.test' })] },
        }),
      )
      for (const url of ['/', '/error', '/reset', '/slow', '/big', '/blocked', '/redirect', `https://gone.web.test:${world.web.port}/`]) {
        const answer = await requestOf(call, guestRequest(world.origin, { url, timeoutMs: 400 }))
        codes.add(answer.ok ? 'ok' : (answer.code ?? ''))
      }
      expect(await call.secretExists('key')).toBe(true)
      await call.figures()
      await call.scrub(['nothing to see'], 4_096)
      await call.scanOutput('{"a":"b"}')
      await call.close()
    }
    await broker.secrets.list()
    expect(world.web.received.length).toBeGreaterThan(20)
    expect(JSON.stringify(world.web.received)).toContain(canary)
    expect([...codes].sort()).toEqual(
      ['dns_failed', 'network_error', 'ok', 'redirect_denied', 'response_body_limit_exceeded', 'response_leak_blocked', 'timeout'],
    )
    expect(holding(from)).toEqual([])
    const [running] = launcher.launched
    if (process.platform === 'linux') {
      for (const file of ['cmdline', 'environ']) {
        expect(await readFile(`/proc/${running?.pid}/${file}`, 'latin1')).not.toContain('CANARY')
      }
    }
    await broker.close()
    const stored = await readdir(path.join(world.folder, 'broker'))
    expect(stored).toEqual(['secrets.json'])
    const file = await readFile(path.join(world.folder, 'broker', 'secrets.json'), 'latin1')
    expect(formsOf(canary).filter((form) => file.includes(form))).toEqual([])
  }) // prettier-ignore

  it('what a guest says of it itself is redacted in logs and outputs', async () => {
    await broker.secrets.set('key', bytesOf(canary))
    const call = await broker.open(world.policy({ credentials: [credential('key', { type: 'bearer' })] }))
    expect(await call.scrub([`said ${canary}`, 'nothing'], 4_096)).toEqual(['said [REDACTED]', 'nothing'])
    const cut = `said ${canary}`.slice(0, 20)
    expect(await call.scrub([cut], 20)).toEqual(['said [REDACTED]'])
    expect(await call.scrub([cut], 4_096)).toEqual([cut])
    expect(await call.scanOutput(JSON.stringify({ [canary]: 1 }))).toMatchObject({
      kind: 'passed',
      redactions: 1,
    })
    expect(await call.scanOutput('not json')).toEqual({ kind: 'not-json' })
    await writeFile(path.join(world.folder, 'workspace', 'note.txt'), `key is ${canary}`)
    const reader = await broker.open(
      world.policy({
        credentials: [credential('key', { type: 'bearer' })],
        workspace: { read: ['note.txt'], maxFileBytes: 1_000 },
      }),
    )
    expect(await reader.readWorkspace('note.txt')).toBe('key is [REDACTED]')
    expect(await reader.readWorkspace('../broker/secrets.json')).toBeNull()
    expect(await call.readWorkspace('note.txt')).toBeNull()
  })
})

describe('spec tools 14 secret-exists', () => {
  it('undeclared, empty, other operation, malformed: false; asking does not use the value up', async () => {
    await broker.secrets.set('key', bytesOf('value-of-key'))
    await broker.secrets.set('other', bytesOf('value-of-other'))
    const credentials = [credential('key', { type: 'bearer' }), credential('absent', { type: 'query', name: 'a' })]
    const call = await broker.open(world.policy({ credentials, visibleSecrets: ['k*', 'other', 'absent', 'bad name'] }))
    for (const name of ['unknown', 'absent', 'other', 'bad name', '', 'k*', '../key', 'k'.repeat(500)]) {
      expect(await call.secretExists(name), name).toBe(false)
    }
    for (let count = 0; count < 5; count++) expect(await call.secretExists('key')).toBe(true)
    const unseen = await broker.open(world.policy({ credentials, visibleSecrets: ['ke'] }))
    expect(await unseen.secretExists('key')).toBe(false)
    expect(await broker.secrets.list()).toMatchObject([{ lastUsedAt: null }, { lastUsedAt: null }])
  }) // prettier-ignore
})

describe('spec tools 9: the broker process', () => {
  it('carries 10 MiB both ways and answers what a call sent, also after it was closed', async () => {
    const body = Buffer.alloc(10_485_760, 'abc \n')
    world.web.handler = (request, response) => response.end(request.body)
    const call = await broker.open(world.policy({ http: { maxRequestBytes: 10_485_760 } }))
    const answer = await requestOf(call, guestRequest(world.origin, { method: 'POST', body }))
    expect(answer.ok && body.equals(answer.body)).toBe(true)
    // Whoever passes them on is held up by no message.
    expect(Math.max(...launcher.kept.map(({ bytes }) => bytes.length))).toBeLessThan(300_000)
    const closed = await call.close()
    expect(closed).toMatchObject({
      egressBytes: 10_485_760,
      httpRequests: 1,
      lastStatus: 200,
      missingSecrets: [],
    })
    expect(await call.figures()).toEqual(closed)
    expect(await call.close()).toEqual(closed)
    expect(await requestOf(call, guestRequest(world.origin))).toMatchObject({
      kind: 'executor',
      code: 'cancelled',
    })
  })

  it('a cancelled call ends its request at once and tells what was sent', async () => {
    world.web.handler = () => undefined
    const call = await broker.open(world.policy())
    const waiting = requestOf(
      call,
      guestRequest(world.origin, { method: 'POST', body: Buffer.from('12345') }),
    )
    await until(() => expect(world.web.received).toHaveLength(1))
    call.cancel()
    expect(await waiting).toMatchObject({ ok: false, kind: 'executor', code: 'cancelled', requestSent: true })
    expect(await call.close()).toMatchObject({ egressBytes: 5, trace: [{ verdict: { code: 'cancelled' } }] })
  })

  it('a call that is closed ends its request first and counts it', async () => {
    world.web.handler = () => undefined
    const call = await broker.open(world.policy())
    const waiting = requestOf(
      call,
      guestRequest(world.origin, { method: 'POST', body: Buffer.from('12345') }),
    )
    await until(() => expect(world.web.received).toHaveLength(1))
    expect(await call.close()).toMatchObject({ egressBytes: 5, httpRequests: 1 })
    expect(await waiting).toMatchObject({ code: 'cancelled' })
  })

  it('is lost and comes back: calls reject with tool.broker_lost, the next one begins anew', async () => {
    const exits: ProcessExit[] = []
    broker = brokerOf(world, launcher, { onLost: (exit) => exits.push(exit) })
    await broker.secrets.set('key', bytesOf('value-of-key'))
    world.web.handler = () => undefined
    const call = await broker.open(world.policy())
    const waiting = requestOf(call, guestRequest(world.origin))
    await until(() => expect(world.web.received).toHaveLength(1))
    launcher.launched[0]?.kill()
    const lost = expect.objectContaining({ code: 'tool.broker_lost' }) as Error
    await expect(waiting).rejects.toThrow(lost)
    await expect(call.close()).rejects.toThrow(lost)
    await until(() => expect(exits).toMatchObject([{ class: 'killed' }]))
    world.web.handler = (_request, response) => response.end('back')
    const again = await broker.open(world.policy({ credentials: [credential('key', { type: 'bearer' })] }))
    expect(textOf(await requestOf(again, guestRequest(world.origin)))).toBe('back')
    expect(world.web.received.at(-1)?.headers.authorization).toBe('Bearer value-of-key')
    expect(launcher.launched).toHaveLength(2)
  })

  it('ends when it is closed, and begins again with the next call', async () => {
    await broker.open(world.policy())
    const pid = launcher.launched[0]?.pid
    await broker.close()
    expect(isAlive(pid)).toBe(false)
    const call = await broker.open(world.policy())
    expect(await requestOf(call, guestRequest(world.origin))).toMatchObject({ ok: true })
  })

  it('another key: what opens it fails with the reason, and nothing hangs', async () => {
    await broker.secrets.set('key', bytesOf('value-of-key'))
    await broker.close()
    broker = brokerOf(world, launcher, { dataKey: () => Promise.resolve(new Uint8Array(32)) })
    const wrong = expect.objectContaining({ code: 'secret.wrong_key' }) as Error
    await expect(broker.open(world.policy())).rejects.toThrow(wrong)
    await expect(broker.secrets.list()).rejects.toThrow(wrong)
  })

  it('a damaged store is told with every start until its file is gone, and calls run without its secrets', async () => {
    const standing: (string | undefined)[] = []
    broker = brokerOf(world, launcher, { onStanding: (fault) => standing.push(fault?.code) })
    await broker.secrets.set('key', bytesOf('value-of-key'))
    await broker.close()
    const folder = path.join(world.folder, 'broker')
    await writeFile(path.join(folder, 'secrets.json'), '{"version":1,')
    const call = await broker.open(world.policy({ credentials: [credential('key', { type: 'bearer' })] }))
    expect(await requestOf(call, guestRequest(world.origin))).toMatchObject({
      code: 'credential_unavailable',
    })
    await broker.close()
    await broker.secrets.list()
    await broker.close()
    const [aside = ''] = (await readdir(folder)).filter((name) => name.includes('.damaged-'))
    await rm(path.join(folder, aside))
    await broker.secrets.list()
    expect(standing).toEqual([undefined, 'secret.store_damaged', 'secret.store_damaged', undefined])
  })

  it('a process that says what it must not is ended', async () => {
    const entry = path.join(world.folder, 'liar.cjs')
    await writeFile(
      entry,
      `process.on('message', (m) => process.send(m.kind === 'set-up' ? { kind: 'ready', notice: null } : { kind: 'answer', id: m.id, answer: { status: 'nonsense' } }))`,
    )
    broker = brokerOf(world, launcher, { entry })
    await expect(broker.secrets.list()).rejects.toThrow(
      expect.objectContaining({ code: 'tool.broker_lost' }) as Error,
    )
    await until(() => expect(isAlive(launcher.launched[0]?.pid)).toBe(false))
  })

  it('a question it cannot read is refused alone', async () => {
    const call = await broker.open(world.policy())
    const nonsense = { ...guestRequest(world.origin), timeoutMs: -1 }
    await expect(requestOf(call, nonsense)).rejects.toThrow(
      expect.objectContaining({ code: 'internal.bug' }) as Error,
    )
    expect(await requestOf(call, guestRequest(world.origin))).toMatchObject({ ok: true })
  })
})
