import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalWeb, testCertificate } from '../../../test/support/local-web.ts'
import { operatorSchema } from '../../shared/domain/operator/operator.ts'
import { PaddockError } from '../../shared/errors.ts'
import { swarmAddress } from '../capabilities/remote-store/swarm/tree.ts'
import { Egress } from '../egress/egress.ts'
import { noMetrics } from '../telemetry/metrics/metrics-port.ts'
import { ContentService, type FetchOptions } from './content-service.ts'
import { parseReference } from './references.ts'

const content = Buffer.from('a bundle of some kind')
const sha256 = hash(content)

let directory: string
let web: LocalWeb
let secure: LocalWeb
let fetched: [string, boolean][]

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paddock-content-'))
  web = new LocalWeb()
  secure = new LocalWeb('https')
  await Promise.all([web.start(), secure.start()])
  fetched = []
})
afterEach(async () => {
  await Promise.all([web.stop(), secure.stop()])
  await rm(directory, { recursive: true })
})

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function service(...sources: Record<string, string>[]): ContentService {
  const operator = operatorSchema.parse({ content: { sources } })
  return new ContentService({
    directory: path.join(directory, 'content'),
    operator: () => operator,
    egress: new Egress({ trust: { ca: testCertificate } }),
    metrics: { ...noMetrics, contentFetch: (scheme, ok) => fetched.push([scheme, ok]) },
  })
}

/** Serves these paths, and 404 for others. */
function serve(server: LocalWeb, files: Readonly<Record<string, Uint8Array | string>>): void {
  server.handler = ({ url }, response) => {
    const body = files[url]
    if (body === undefined) response.statusCode = 404
    response.end(body)
  }
}

async function failure(
  contents: ContentService,
  reference: string,
  options: FetchOptions = {},
): Promise<PaddockError> {
  const error: unknown = await contents.fetch(reference, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof PaddockError) return error
  throw new Error('It was fetched, or failed otherwise.', { cause: error })
}

const kept = async (): Promise<string[]> =>
  (await readdir(path.join(directory, 'content')).catch(() => [])).filter((name) => name.length === 64)

describe('content references', () => {
  it.each([
    'module.wasm',
    'sha256:0xab',
    `sha256:0x${'a'.repeat(62)}`,
    `bzz:${'a'.repeat(63)}`,
    'ipfs:../x',
    'oci:repository:latest',
    `oci:host/../x@sha256:${'a'.repeat(64)}`,
    'http://example.org/x',
    'https://user:word@example.org/x',
    'https://example.org/x#sha256=12',
    'ftp:x',
  ])('refuses %s', (text) => {
    expect(() => parseReference(text)).toThrow(PaddockError)
  })

  it('tells the registry from the repository of an OCI reference', () => {
    const digest = 'b'.repeat(64)
    expect(parseReference(`oci:ghcr.io/a/b@sha256:${digest}`)).toMatchObject({
      host: 'ghcr.io',
      repository: 'a/b',
    })
    expect(parseReference(`oci:a/b@sha256:${digest}`)).toMatchObject({ host: null, repository: 'a/b' })
  })
})

describe('fetched content', () => {
  it('comes over https with its hash, is verified, kept, and not asked for again', async () => {
    serve(secure, { '/bundle.tgz': content })
    const contents = service()
    const reference = `https://localhost:${secure.port}/bundle.tgz#sha256=${sha256}`
    const file = await contents.fetch(reference, { isTrusted: true })
    expect(await readFile(file)).toEqual(content)
    await secure.stop()
    expect(await contents.fetch(reference, { isTrusted: true })).toBe(file)
    expect(await contents.fetch(`sha256:${sha256}`)).toBe(file)
    expect(fetched).toEqual([['https', true]])
  })

  it('is refused when one byte is another, and not kept', async () => {
    serve(secure, { '/b': Buffer.concat([content, Buffer.from('!')]) })
    const error = await failure(service(), `https://localhost:${secure.port}/b#sha256=${sha256}`, {
      isTrusted: true,
    })
    expect(error).toMatchObject({ code: 'content.mismatch', details: { declared: sha256 } })
    expect(error.message).toContain(sha256)
    expect(await kept()).toEqual([])
    expect(fetched).toEqual([['https', false]])
  })

  it('needs a hash or an operator pin over https, and serves the last one while the server is away', async () => {
    serve(secure, { '/b': content })
    const contents = service()
    const reference = `https://localhost:${secure.port}/b`
    expect((await failure(contents, reference, { isTrusted: true })).code).toBe('content.unpinned')
    const file = await contents.fetch(reference, { isTrusted: true, isPinned: true })
    await secure.stop()
    expect(await contents.fetch(reference, { isTrusted: true, isPinned: true })).toBe(file)
  })

  it('does not reach this machine for what others announce, not even by a redirect', async () => {
    serve(secure, { '/b': content })
    const reference = `https://localhost:${secure.port}/b#sha256=${sha256}`
    expect((await failure(service(), reference)).code).toBe('content.unreachable')
    expect(secure.connections).toBe(0)
    secure.handler = (_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${web.port}/b` })
      response.end()
    }
    serve(web, { '/b': content })
    expect((await failure(service(), reference, { isTrusted: true })).message).toContain('redirects')
    expect(web.received).toEqual([])
  })

  it.each(['ftp://127.0.0.1:1/b', 'file:///etc/passwd', 'http://[', 'http://'])(
    'does not follow a redirect to %s',
    async (location) => {
      web.handler = (_request, response) => response.writeHead(302, { location }).end()
      const contents = service({ kind: 'http', url: `http://127.0.0.1:${web.port}/blobs/` })
      const fault = await failure(contents, `sha256:${sha256}`)
      expect(fault).toMatchObject({ code: 'content.unreachable' })
      expect(fault.message).toContain('redirects')
    },
  )

  it('asks folders and servers for a hash in order, and passes over the wrong ones', async () => {
    const folder = path.join(directory, 'mirror')
    await mkdir(folder)
    await writeFile(path.join(folder, sha256), 'something else')
    serve(web, { [`/blobs/${sha256}`]: content })
    const contents = service(
      { kind: 'folder', path: folder },
      { kind: 'http', url: `http://127.0.0.1:${web.port}/blobs/` },
    )
    expect(await readFile(await contents.fetch(`sha256:${sha256}`))).toEqual(content)
    serve(web, {})
    const wrong = await failure(
      service({ kind: 'folder', path: folder }, { kind: 'http', url: `http://127.0.0.1:${web.port}/blobs/` }),
      `sha256:${hash(Buffer.from('x'))}`,
    )
    expect(wrong.code).toBe('content.not_found')
    expect((await failure(service(), `sha256:${'a'.repeat(64)}`)).code).toBe('content.no_source')
  })

  it('recomputes the Swarm address', async () => {
    const large = Buffer.alloc(9_000, 7)
    const address = Buffer.from(swarmAddress(large)).toString('hex')
    serve(web, { [`/bytes/${address}`]: large })
    const contents = service({ kind: 'bzz', url: `http://127.0.0.1:${web.port}` })
    expect(await readFile(await contents.fetch(`bzz:${address}`))).toEqual(large)
    const other = 'c'.repeat(64)
    serve(web, { [`/bytes/${other}`]: large })
    expect(await failure(contents, `bzz:${other}`)).toMatchObject({
      code: 'content.mismatch',
      details: { declared: other, actual: address },
    })
  })

  it('verifies every block of a file on IPFS', async () => {
    const raw = (bytes: Uint8Array): CID =>
      CID.createV1(0x55, Digest.create(0x12, createHash('sha256').update(bytes).digest()))
    const pieces = [Buffer.alloc(300, 1), Buffer.alloc(200, 2)]
    const field = (number: number, bytes: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
    const links = pieces.map((piece) => field(2, field(1, raw(piece).bytes)))
    const root = Buffer.concat([...links, field(1, Buffer.from([8, 2, 24, 244, 3]))])
    const rootCid = CID.createV1(0x70, Digest.create(0x12, createHash('sha256').update(root).digest()))
    const path = (cid: CID): string => `/ipfs/${cid.toString()}?format=raw`
    const files: Record<string, Uint8Array> = { [path(rootCid)]: root }
    for (const piece of pieces) files[path(raw(piece))] = piece
    serve(web, files)
    const contents = service({ kind: 'ipfs', url: `http://127.0.0.1:${web.port}` })
    expect(await readFile(await contents.fetch(`ipfs:${rootCid.toString()}`))).toEqual(Buffer.concat(pieces))
    const single = raw(content)
    serve(web, { [path(single)]: content })
    expect(await readFile(await contents.fetch(`ipfs:${single.toString()}`))).toEqual(content)
    const missing = raw(Buffer.from('other'))
    serve(web, { [path(missing)]: content })
    expect((await failure(contents, `ipfs:${missing.toString()}`)).code).toBe('content.mismatch')
  })

  it('takes the wasm layer of an OCI artifact, with a token where the registry asks for one', async () => {
    const manifest = JSON.stringify({
      schemaVersion: 2,
      layers: [
        { mediaType: 'text/plain', digest: `sha256:${'0'.repeat(64)}` },
        { mediaType: 'application/wasm', digest: `sha256:${sha256}` },
      ],
    })
    const digest = hash(Buffer.from(manifest))
    web.handler = ({ url, headers }, response) => {
      if (url.startsWith('/token')) return response.end(JSON.stringify({ token: 'anonymous' }))
      if (headers.authorization !== 'Bearer anonymous') {
        response.writeHead(401, {
          'www-authenticate': `Bearer realm="http://127.0.0.1:${web.port}/token",service="s",scope="pull"`,
        })
        return response.end()
      }
      if (url === `/v2/acme/watch/manifests/sha256:${digest}`) return response.end(manifest)
      if (url === `/v2/acme/watch/blobs/sha256:${sha256}`) return response.end(content)
      response.statusCode = 404
      return response.end()
    }
    const contents = service({ kind: 'oci', url: `http://127.0.0.1:${web.port}` })
    expect(await readFile(await contents.fetch(`oci:acme/watch@sha256:${digest}`))).toEqual(content)
    expect(web.received.map(({ url }) => url)).toContain('/token?service=s&scope=pull')
    expect((await failure(contents, `oci:acme/watch@sha256:${'1'.repeat(64)}`)).code).toBe(
      'content.not_found',
    )
  })
})
