/** Cutting of untrusted text by its size in UTF-8. */

const encoder = new TextEncoder()
/** A word cut in two is left out up to this many bytes: half a secret must not be told apart from other text. */
const maxDroppedBytes = 256

/** At most `maxBytes` bytes of `text` in UTF-8, cut between characters. */
export function cutText(text: string, maxBytes: number): string {
  // A UTF-16 unit takes at most three bytes in UTF-8.
  if (text.length * 3 <= maxBytes) return text
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}

/**
 * As `cutText` for text that is scrubbed of secrets only later: where it is cut within a short word, the word goes too,
 * so that no half of a secret is left that nobody recognises (spec tools 6).
 */
export function cutBetweenWords(text: string, maxBytes: number): string {
  const kept = cutText(text, maxBytes)
  if (kept.length === text.length || isBreak(text[kept.length] ?? '')) return kept
  for (let end = kept.length; end > 0 && kept.length - end <= maxDroppedBytes; end--) {
    if (isBreak(kept[end - 1] ?? '')) return kept.slice(0, end)
  }
  return kept
}

function isBreak(letter: string): boolean {
  return /[\s"'`,;(){}[\]<>]/.test(letter)
}
