/** Fuzzy matching for the palette. */

export interface Match {
  /** Higher is better. */
  readonly score: number
  /** Positions of the matched characters in the text. */
  readonly positions: readonly number[]
}

const startOfWord = 8
const follows = 6
const gapCost = 1

function isWordStart(text: string, index: number): boolean {
  if (index === 0) return true
  return /[\s\-_./:#@]/.test(text.charAt(index - 1))
}

/**
 * Whether the characters of a query appear in a text in order, and how well: starts of words and runs
 * count most, gaps cost. Case does not matter; blanks in the query are skipped. An empty query matches with 0.
 */
export function fuzzy(query: string, text: string): Match | null {
  const wanted = query.toLowerCase().replace(/\s+/g, '')
  const lower = text.toLowerCase()
  if (wanted === '') return { score: 0, positions: [] }
  const exact = lower.indexOf(query.trim().toLowerCase())
  if (exact >= 0) {
    const length = query.trim().length
    const positions = Array.from({ length }, (_, index) => exact + index)
    return {
      score: length * follows + (isWordStart(lower, exact) ? 2 * startOfWord : 0) - lower.length / 100,
      positions,
    }
  }
  const positions: number[] = []
  let score = 0
  let from = 0
  for (const character of wanted) {
    const index = bestNext(lower, character, from)
    if (index < 0) return null
    const previous = positions[positions.length - 1]
    if (previous !== undefined && index === previous + 1) score += follows
    else score -= gapCost
    if (isWordStart(lower, index)) score += startOfWord
    positions.push(index)
    from = index + 1
  }
  return { score: score - lower.length / 100, positions }
}

/** The next place of a character: at once, else at the start of a word, else anywhere. */
function bestNext(text: string, character: string, from: number): number {
  if (text.charAt(from) === character) return from
  for (let index = from; index < text.length; index += 1) {
    if (text.charAt(index) === character && isWordStart(text, index)) return index
  }
  return text.indexOf(character, from)
}
