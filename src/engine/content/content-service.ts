/** From a content reference to a verified file: the blob store first, then the sources in order (spec nexum-host 4.5). */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ContentSource } from '../../shared/domain/operator/content.ts'
import type { Operator } from '../../shared/domain/operator/operator.ts'
import { PaddockError } from '../../shared/errors.ts'
import { swarmAddressInTurns } from '../capabilities/remote-store/swarm/tree.ts'
import type { Egress } from '../egress/egress.ts'
import type { MetricsPort } from '../telemetry/metrics/metrics-port.ts'
import { BlobStore, sha256Of } from './blob-store.ts'
import { Fetcher, maxContentBytes } from './fetcher.ts'
import { readOciArtifact } from './oci.ts'
import { parseReference, type ContentReference } from './references.ts'
import { readIpfsFile } from './unixfs.ts'

export interface ContentServiceOptions {
  /** Where verified content is kept. */
  readonly directory: string
  readonly operator: () => Pick<Operator, 'content' | 'remoteStore'>
  readonly egress: Egress
  readonly metrics: MetricsPort
}

export interface FetchOptions {
  /** An operator pin of the component vouches for an https address without a hash (4.5). */
  readonly isPinned?: boolean
  /** Written by the operator, who may mean a server on this machine; what others announce may not. */
  readonly isTrusted?: boolean
  readonly signal?: AbortSignal | undefined
}

export class ContentService {
  private readonly options: ContentServiceOptions
  private readonly blobs: BlobStore
  private readonly fetcher: Fetcher

  constructor(options: ContentServiceOptions) {
    this.options = options
    this.blobs = new BlobStore(options.directory)
    this.fetcher = new Fetcher(options.egress)
  }

  /**
   * The file with the contents that the reference names. Throws `content.*`: nothing that could not be verified is
   * answered or kept.
   */
  async fetch(text: string, options: FetchOptions = {}): Promise<string> {
    const reference = parseReference(text)
    if (reference.scheme === 'https' && reference.sha256 === null && options.isPinned !== true) {
      throw new PaddockError('content.unpinned', `${text} names no hash.`)
    }
    const known = await this.known(reference, text)
    if (known !== null) return known
    try {
      const bytes = await this.obtain(reference, options)
      const file = await this.keep(text, reference, bytes)
      this.options.metrics.contentFetch(reference.scheme, true)
      return file
    } catch (error) {
      this.options.metrics.contentFetch(reference.scheme, false)
      const kept = await this.lastKept(reference, text)
      if (kept === null) throw error
      return kept
    }
  }

  /** What need not be fetched: contents that their reference names for good. */
  private async known(reference: ContentReference, text: string): Promise<string | null> {
    if (reference.scheme === 'sha256') return this.blobs.find(reference.sha256)
    if (reference.scheme === 'https')
      return reference.sha256 === null ? null : this.blobs.find(reference.sha256)
    const sha256 = await this.blobs.recall(text)
    return sha256 === null ? null : this.blobs.find(sha256)
  }

  /** While a server is away, what it gave last serves on: its component is checked by the operator's pin anyhow. */
  private async lastKept(reference: ContentReference, text: string): Promise<string | null> {
    if (reference.scheme !== 'https' || reference.sha256 !== null) return null
    const sha256 = await this.blobs.recall(text)
    return sha256 === null ? null : this.blobs.find(sha256)
  }

  private async keep(text: string, reference: ContentReference, bytes: Uint8Array): Promise<string> {
    const sha256 = await sha256Of(bytes)
    const declared = reference.scheme === 'sha256' || reference.scheme === 'https' ? reference.sha256 : null
    if (declared !== null && declared !== sha256) throw mismatch(declared, sha256)
    const file = await this.blobs.put(sha256, bytes)
    if (declared === null) await this.blobs.remember(text, sha256)
    return file
  }

  private obtain(reference: ContentReference, options: FetchOptions): Promise<Uint8Array> {
    const trusted = { isTrusted: true, signal: options.signal }
    switch (reference.scheme) {
      case 'https':
        return this.fetcher.get(reference.url, { ...trusted, isTrusted: options.isTrusted === true })
      case 'sha256':
        return this.firstOf(reference.scheme, ['folder', 'http'], async (source) => {
          const bytes =
            source.kind === 'folder'
              ? await readBounded(path.join(source.path, reference.sha256))
              : await this.fetcher.get(join(urlOf(source), reference.sha256), trusted)
          const actual = await sha256Of(bytes)
          if (actual !== reference.sha256) throw mismatch(reference.sha256, actual)
          return bytes
        })
      case 'bzz':
        return this.firstOf(reference.scheme, ['bzz'], async (source) => {
          const bytes = await this.fetcher.get(join(urlOf(source), 'bytes', reference.address), trusted)
          const actual = Buffer.from(await swarmAddressInTurns(bytes)).toString('hex')
          if (actual !== reference.address) throw mismatch(reference.address, actual, 'bzz')
          return bytes
        })
      case 'ipfs':
        return this.firstOf(reference.scheme, ['ipfs'], (source) =>
          readIpfsFile(
            reference.cid,
            (cid) =>
              this.fetcher.get(`${join(urlOf(source), 'ipfs', cid)}?format=raw`, {
                ...trusted,
                headers: [['accept', 'application/vnd.ipld.raw']],
              }),
            maxContentBytes,
          ),
        )
      case 'oci': {
        const { host } = reference
        if (host === null || this.sources(['oci']).some((source) => new URL(urlOf(source)).host === host)) {
          return this.firstOf(reference.scheme, ['oci'], (source) =>
            readOciArtifact(this.fetcher, urlOf(source), reference, trusted),
          )
        }
        return readOciArtifact(this.fetcher, `https://${host}`, reference, {
          ...trusted,
          isTrusted: options.isTrusted === true,
        })
      }
    }
  }

  /** Asks the sources of these kinds in order; the last failure is thrown when none helps. */
  private async firstOf(
    scheme: string,
    kinds: readonly ContentSource['kind'][],
    ask: (source: ContentSource) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    let failure: PaddockError | undefined
    for (const source of this.sources(kinds)) {
      try {
        return await ask(source)
      } catch (error) {
        // A source that gave the wrong contents is worth more telling than one that is away.
        if (!(error instanceof PaddockError)) throw error
        if (failure?.code !== 'content.mismatch') failure = error
      }
    }
    throw failure ?? new PaddockError('content.no_source', `Nothing is configured to fetch ${scheme}: from.`)
  }

  private sources(kinds: readonly ContentSource['kind'][]): ContentSource[] {
    const { content, remoteStore } = this.options.operator()
    const bee: ContentSource[] =
      remoteStore.mode === 'bee' && remoteStore.api !== null ? [{ kind: 'bzz', url: remoteStore.api }] : []
    return [...content.sources, ...bee].filter(({ kind }) => kinds.includes(kind))
  }
}

function urlOf(source: ContentSource): string {
  return source.kind === 'folder' ? '' : source.url
}

function join(base: string, ...parts: readonly string[]): string {
  return [base.replace(/\/+$/, ''), ...parts].join('/')
}

async function readBounded(file: string): Promise<Uint8Array> {
  const stats = await stat(file).catch(() => null)
  if (stats?.isFile() !== true)
    throw new PaddockError('content.not_found', `There is no ${path.basename(file)}.`)
  if (stats.size > maxContentBytes) throw new PaddockError('content.too_large', 'The file is too large.')
  return readFile(file)
}

function mismatch(declared: string, actual: string, scheme = 'sha256'): PaddockError {
  return new PaddockError(
    'content.mismatch',
    `The content is ${scheme}:${actual}, but ${scheme}:${declared} was asked for.`,
    { details: { declared, actual } },
  )
}
