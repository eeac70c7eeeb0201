/** Content references of nexum manifests (spec nexum-host 4.1 to 4.3). */

/** What a reference pins: a file's SHA-256, nothing, or contents that are checked in another way. */
export type ContentReference =
  | { readonly kind: 'unpinned' }
  | { readonly kind: 'sha256'; readonly sha256: string }
  /** Names its contents by other means (`bzz`, `ipfs`, `oci`, `https`); a file beside the manifest cannot be checked by it. */
  | { readonly kind: 'other'; readonly scheme: string }
  | { readonly kind: 'malformed'; readonly allowed: string }

const digestText = /^[0-9a-fA-F]{64}$/
const zeroDigest = '0'.repeat(64)
export const digestRule = '"sha256:" and 64 hexadecimal digits'
const referenceRule = 'sha256:<64 hex>, bzz:<64 hex>, ipfs:<CID>, oci:<reference> or https://…'

/** Reads `<scheme>:<rest>`. Empty text and the all-zero digest mean unpinned; other malformed text is named so. */
export function parseContentReference(text: string): ContentReference {
  if (text === '') return { kind: 'unpinned' }
  const colon = text.indexOf(':')
  const scheme = text.slice(0, Math.max(colon, 0))
  const rest = text.slice(colon + 1)
  switch (scheme) {
    case 'sha256':
      return digest(rest, digestRule)
    case 'bzz': {
      const parsed = digest(rest, '"bzz:" and 64 hexadecimal digits')
      return parsed.kind === 'sha256' ? { kind: 'other', scheme } : parsed
    }
    case 'ipfs':
      return /^[A-Za-z0-9]{8,128}$/.test(rest) ? { kind: 'other', scheme } : malformed('"ipfs:" and a CID')
    case 'oci':
      return /^[^\s]{1,512}$/.test(rest) ? { kind: 'other', scheme } : malformed('"oci:" and a reference')
    case 'https': {
      if (!/^\/\/[^\s/]+/.test(rest)) return malformed('a full https address')
      const suffix = /#sha256=(.*)$/.exec(rest)
      return suffix === null
        ? { kind: 'other', scheme }
        : digest(suffix[1] ?? '', '"#sha256=" and 64 hexadecimal digits')
    }
    default:
      return malformed(referenceRule)
  }
}

function digest(hex: string, allowed: string): ContentReference {
  if (!digestText.test(hex)) return malformed(allowed)
  const sha256 = hex.toLowerCase()
  return sha256 === zeroDigest ? { kind: 'unpinned' } : { kind: 'sha256', sha256 }
}

function malformed(allowed: string): ContentReference {
  return { kind: 'malformed', allowed }
}
