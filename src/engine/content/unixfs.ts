/**
 * A file on IPFS, block by block: each block is verified by the multihash of its own CID, so that no gateway need be
 * trusted (spec nexum-host 4.5).
 */
import { CID } from 'multiformats/cid'
import { PaddockError } from '../../shared/errors.ts'
import { sha256Of } from './blob-store.ts'
import { readFields, type Field } from './protobuf.ts'

const rawCodec = 0x55
const dagPbCodec = 0x70
const sha2256 = 0x12
/** Blocks of one file; 80 MiB in the usual 256 KiB pieces are 320. */
const maxBlocks = 4_096
const maxDepth = 8
/** UnixFS types. */
const rawType = 0
const fileType = 2

export type FetchBlock = (cid: string) => Promise<Uint8Array>

/** The bytes of the file. Throws `content.bad_reference`, `content.mismatch` and `content.too_large`. */
export async function readIpfsFile(
  text: string,
  fetchBlock: FetchBlock,
  maxBytes: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  let blocks = 0
  const visit = async (cid: CID, depth: number): Promise<void> => {
    blocks += 1
    if (blocks > maxBlocks || depth > maxDepth) throw tooLarge(text)
    const block = await verified(cid, fetchBlock)
    const { data, links } = cid.code === rawCodec ? { data: block, links: [] } : readNode(text, block)
    size += data.byteLength
    if (size > maxBytes) throw tooLarge(text)
    pieces.push(data)
    for (const link of links) await visit(link, depth + 1)
  }
  await visit(parse(text), 0)
  return Buffer.concat(pieces)
}

function parse(text: string): CID {
  try {
    return CID.parse(text)
  } catch (cause) {
    throw new PaddockError('content.bad_reference', `${text} is no CID.`, { cause })
  }
}

async function verified(cid: CID, fetchBlock: FetchBlock): Promise<Uint8Array> {
  if (cid.multihash.code !== sha2256 || (cid.code !== rawCodec && cid.code !== dagPbCodec)) {
    throw new PaddockError('content.bad_reference', `${cid.toString()} is no file hashed by sha2-256.`)
  }
  const block = await fetchBlock(cid.toString())
  const declared = Buffer.from(cid.multihash.digest).toString('hex')
  const actual = await sha256Of(block)
  if (actual === declared) return block
  throw new PaddockError(
    'content.mismatch',
    `The block ${cid.toString()} has sha256:${actual}, but its CID says sha256:${declared}.`,
    { details: { declared, actual } },
  )
}

/** A dag-pb node of a UnixFS file: its own data, then the links of its pieces in order. */
function readNode(text: string, block: Uint8Array): { data: Uint8Array; links: CID[] } {
  try {
    const node = readFields(block)
    const unixfs = readFields(bytesOf(node, 1)[0] ?? new Uint8Array())
    const type = Number(unixfs.find((field) => field.number === 1)?.value ?? -1)
    if (type !== fileType && type !== rawType) throw new Error('no file')
    const links = bytesOf(node, 2).map((link) =>
      CID.decode(bytesOf(readFields(link), 1)[0] ?? new Uint8Array()),
    )
    return { data: bytesOf(unixfs, 2)[0] ?? new Uint8Array(), links }
  } catch (cause) {
    throw new PaddockError('content.bad_reference', `${text} is no file on IPFS.`, {
      cause,
      remedy: 'Publish the archive or the component as one file, not as a folder.',
    })
  }
}

function bytesOf(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap(({ number: each, value }) =>
    each === number && value instanceof Uint8Array ? [value] : [],
  )
}

function tooLarge(text: string): PaddockError {
  return new PaddockError('content.too_large', `${text} is larger than what is fetched.`)
}
