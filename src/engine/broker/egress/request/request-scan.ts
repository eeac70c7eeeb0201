/** Step 8: nothing secret leaves in a request (spec tools 4, 6). */
import type { HeaderPair } from '../../../egress/types.ts'
import type { CallScanner } from '../../scan/types.ts'
import { Refusal } from '../failures.ts'

export interface ScannedParts {
  /** As the guest wrote it. */
  readonly rawUrl: string
  readonly url: URL
  readonly headers: readonly HeaderPair[]
  readonly body: Uint8Array | undefined
}

/** Throws `Refusal` (`credential_leak_blocked`), which says what was found and never shows it. */
export async function scanRequest(scanner: CallScanner, parts: ScannedParts): Promise<void> {
  const { rawUrl, url, headers, body } = parts
  const texts = [
    rawUrl,
    url.href,
    decoded(url.pathname),
    ...[...url.searchParams].flat(),
    // A header's name can carry as much as its value.
    ...headers.flatMap(([name, value]) => [name, value]),
  ]
  const verdict = await scanner.checkRequest({ texts, body })
  if (verdict.kind === 'passed') return
  const patterns = [...new Set(verdict.findings.map((finding) => finding.pattern))].join(', ')
  throw new Refusal(
    'request-scan',
    'credential_leak_blocked',
    `The request holds what looks like: ${patterns}.`,
  )
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // Bytes that are no UTF-8: decoded one by one, which shows all of ASCII.
    return path.replace(/%([0-9a-f]{2})/gi, (_match, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
}
