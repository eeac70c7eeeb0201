/** An artifact in an OCI registry, by digest: its manifest, then its one layer, each verified (spec nexum-host 4.5). */
import { z } from 'zod'
import { PaddockError } from '../../shared/errors.ts'
import { redactUrl } from '../../shared/url-redaction.ts'
import { sha256Of } from './blob-store.ts'
import type { Fetcher, GetOptions } from './fetcher.ts'

const accept =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'
const maxManifestBytes = 1024 * 1024

const manifestSchema = z.object({
  layers: z
    .array(z.object({ mediaType: z.string(), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) }))
    .min(1)
    .max(64),
})

/** Throws `content.*`. */
export async function readOciArtifact(
  fetcher: Fetcher,
  registry: string,
  { repository, sha256 }: { repository: string; sha256: string },
  options: GetOptions,
): Promise<Uint8Array> {
  const base = `${registry.replace(/\/+$/, '')}/v2/${repository}`
  const get = authorised(fetcher, options)
  const manifest = await get(`${base}/manifests/sha256:${sha256}`, accept, maxManifestBytes)
  await verify(manifest, sha256, 'The manifest')
  const parsed = manifestSchema.safeParse(parseJson(manifest))
  if (!parsed.success) throw new PaddockError('content.bad_reference', 'The OCI manifest names no layer.')
  const { layers } = parsed.data
  const layer = layers.find(({ mediaType }) => mediaType.includes('wasm')) ?? layers[0]
  const digest = layer?.digest.slice('sha256:'.length) ?? ''
  const bytes = await get(`${base}/blobs/sha256:${digest}`, '*/*')
  await verify(bytes, digest, 'The layer')
  return bytes
}

/** Gets with the anonymous token a registry asks for, if it does. */
function authorised(
  fetcher: Fetcher,
  options: GetOptions,
): (url: string, accept: string, maxBytes?: number) => Promise<Uint8Array> {
  let token: string | null = null
  return async (url, accept, maxBytes) => {
    const attempt = () =>
      fetcher.exchange(url, {
        ...options,
        ...(maxBytes === undefined ? {} : { maxBytes }),
        headers: [
          ['accept', accept],
          ...(token === null ? [] : [['authorization', `Bearer ${token}`] as const]),
        ],
      })
    let response = await attempt()
    if (response.status === 401 && token === null) {
      const challenge = response.headers.find(([name]) => name === 'www-authenticate')?.[1] ?? ''
      token = await anonymousToken(fetcher, challenge, options)
      if (token !== null) response = await attempt()
    }
    if (response.status === 200) return response.body
    const code = response.status === 404 ? 'content.not_found' : 'content.unreachable'
    throw new PaddockError(code, `${redactUrl(url)} answered ${response.status}.`)
  }
}

async function anonymousToken(
  fetcher: Fetcher,
  challenge: string,
  options: GetOptions,
): Promise<string | null> {
  if (!/^bearer /i.test(challenge)) return null
  const parameter = (name: string): string | null =>
    new RegExp(`${name}="([^"]{1,1000})"`).exec(challenge)?.[1] ?? null
  const realm = parameter('realm')
  if (realm === null || !/^https?:\/\//.test(realm)) return null
  const url = new URL(realm)
  for (const name of ['service', 'scope']) {
    const value = parameter(name)
    if (value !== null) url.searchParams.set(name, value)
  }
  const body = parseJson(await fetcher.get(url.href, { ...options, maxBytes: maxManifestBytes }))
  const parsed = z
    .object({ token: z.string().optional(), access_token: z.string().optional() })
    .safeParse(body)
  return parsed.success ? (parsed.data.token ?? parsed.data.access_token ?? null) : null
}

async function verify(bytes: Uint8Array, declared: string, what: string): Promise<void> {
  const actual = await sha256Of(bytes)
  if (actual === declared) return
  throw new PaddockError('content.mismatch', `${what} has sha256:${actual}, not sha256:${declared}.`, {
    details: { declared, actual },
  })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return null
  }
}
