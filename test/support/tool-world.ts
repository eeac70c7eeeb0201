/** All that a tool's requests go through, with a name server, two web servers and a store of secrets of their own. */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CallSession, type BrokerParts } from '../../src/engine/broker/process/call-session.ts'
import { RateWindows } from '../../src/engine/broker/egress/rate-windows.ts'
import { createScanPool } from '../../src/engine/broker/scan/scan-pool.ts'
import { openVault } from '../../src/engine/broker/secrets/vault.ts'
import { readWorkspaceFile } from '../../src/engine/broker/workspace/workspace-reader.ts'
import { systemClock, type Clock } from '../../src/engine/clock.ts'
import type { BrokeredCall, CallPolicy } from '../../src/engine/contracts/tool/broker.ts'
import type { GuestHttpRequest } from '../../src/engine/broker/egress/guest-request.ts'
import { bodyPartBytes, partAt } from '../../src/shared/contracts/tool-body.ts'
import { Egress } from '../../src/engine/egress/egress.ts'
import { systemResolver } from '../../src/engine/egress/resolver.ts'
import {
  httpMethods,
  type CredentialRule,
  type HttpAnswer,
  type HttpRule,
} from '../../src/shared/contracts/tool.ts'
import { LocalDns } from './local-dns.ts'
import { LocalWeb, testCertificate } from './local-web.ts'

/** One for all worlds of a test file: a thread takes longer to start than most tests. It ends with the file. */
const scans = createScanPool({
  entry: new URL('../../src/engine/broker/scan/scan-thread.ts', import.meta.url),
  threads: 1,
})

export type PolicyChanges = Partial<Omit<CallPolicy, 'http'>> & {
  readonly http?: Partial<CallPolicy['http']>
}

export class ToolWorld {
  readonly dns: LocalDns
  /** `https://web.test:<port>`. */
  readonly web: LocalWeb
  /** `http://web.test:<port>`. */
  readonly plain: LocalWeb
  readonly parts: BrokerParts
  readonly folder: string
  private readonly sessions: CallSession[] = []

  static async open(clock: Clock = systemClock): Promise<ToolWorld> {
    const dns = await new LocalDns().start()
    dns.names.set('web.test', [['127.0.0.1']])
    dns.names.set('www.web.test', [['127.0.0.1']])
    const web = await new LocalWeb('https').start()
    const plain = await new LocalWeb().start()
    const folder = await mkdtemp(path.join(tmpdir(), 'paddock-tool-world-'))
    await mkdir(path.join(folder, 'workspace'))
    const vault = await openVault({
      file: path.join(folder, 'secrets.json'),
      dataKey: randomBytes(32),
      now: () => clock.now(),
    })
    return new ToolWorld(dns, web, plain, folder, {
      vault,
      scans: scans,
      egress: new Egress({
        resolve: systemResolver({ servers: [dns.server], timeoutMs: 600 }),
        trust: { ca: testCertificate },
      }),
      rates: new RateWindows(clock),
      readWorkspace: readWorkspaceFile,
      workspaceRoot: path.join(folder, 'workspace'),
      clock,
    })
  }

  private constructor(dns: LocalDns, web: LocalWeb, plain: LocalWeb, folder: string, parts: BrokerParts) {
    this.dns = dns
    this.web = web
    this.plain = plain
    this.folder = folder
    this.parts = parts
  }

  get origin(): string {
    return `https://web.test:${this.web.port}`
  }

  async setSecret(name: string, value: string): Promise<void> {
    await this.parts.vault.set(name, new TextEncoder().encode(value))
  }

  rule(changes: Partial<HttpRule> = {}): HttpRule {
    return {
      scheme: 'https',
      host: 'web.test',
      port: this.web.port,
      pathPrefix: '/',
      methods: [...httpMethods],
      ...changes,
    }
  }

  policy({ http = {}, ...changes }: PolicyChanges = {}): CallPolicy {
    return {
      module: 'probe',
      operation: 'probe.run',
      http: {
        timeoutMs: 30_000,
        maxRequestBytes: 1_048_576,
        maxResponseBytes: 10_485_760,
        maxEgressBytes: null,
        maxRedirects: 3,
        requestsPerCall: 50,
        rate: { perMinute: 60, perHour: 1_000 },
        allow: [this.rule()],
        ...http,
      },
      credentials: [],
      visibleSecrets: [],
      workspace: { read: [], maxFileBytes: 1_048_576 },
      permittedPrivate: [`127.0.0.1:${this.web.port}`, `127.0.0.1:${this.plain.port}`],
      memoryBytes: 67_108_864,
      outputBytes: 1_048_576,
      deadlineMs: 60_000,
      ...changes,
    }
  }

  async call(changes: PolicyChanges = {}): Promise<CallSession> {
    const session = await CallSession.open(this.parts, this.policy(changes))
    this.sessions.push(session)
    return session
  }

  /** One request in a call of its own. */
  async request(request: Partial<GuestHttpRequest> = {}, changes: PolicyChanges = {}): Promise<HttpAnswer> {
    return await (await this.call(changes)).http(guestRequest(this.origin, request))
  }

  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()))
    this.parts.egress.close()
    await Promise.all([this.dns.stop(), this.web.stop(), this.plain.stop()])
    await this.parts.vault.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** `url` may be a path of `origin`. */
export function guestRequest(origin: string, request: Partial<GuestHttpRequest> = {}): GuestHttpRequest {
  const { url = '/', ...rest } = request
  return {
    method: 'GET',
    headersJson: '{}',
    body: undefined,
    timeoutMs: undefined,
    ...rest,
    url: url.startsWith('/') ? `${origin}${url}` : url,
  }
}

/** A whole request through a broker's call, its bodies in parts, as a guest thread does it. */
export async function requestOf(
  call: Pick<BrokeredCall, 'http' | 'sendBody' | 'readBody'>,
  request: GuestHttpRequest,
): Promise<HttpAnswer> {
  const { body, timeoutMs, ...rest } = request
  const bodyBytes = body?.length ?? 0
  let sent = 0
  let isWanted = true
  while (body !== undefined && isWanted && bodyBytes - sent > bodyPartBytes) {
    isWanted = await call.sendBody(partAt(body, sent))
    sent += bodyPartBytes
  }
  const head = await call.http({
    ...rest,
    bodyBytes,
    ...(body === undefined || !isWanted ? {} : { body: partAt(body, sent) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  if (!head.ok) return head
  const parts = [head.body]
  for (let read = head.body.length; read < head.bodyBytes;) {
    const more = await call.readBody(read)
    if (!more.ok) return more
    parts.push(more.part)
    read += more.part.length
  }
  return { ok: true, status: head.status, headersJson: head.headersJson, body: Buffer.concat(parts) }
}

export function credential(
  secret: string,
  inject: CredentialRule['inject'],
  changes: Partial<CredentialRule> = {},
): CredentialRule {
  return { secret, inject, hosts: ['web.test'], pathPrefixes: [], required: true, ...changes }
}

export function textOf(answer: HttpAnswer): string {
  if (!answer.ok) throw new Error(`It failed: ${answer.code}`)
  return Buffer.from(answer.body).toString()
}
