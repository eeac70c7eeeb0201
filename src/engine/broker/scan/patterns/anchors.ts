/** Finds many short texts in one pass: an automaton with one step per byte (Aho and Corasick, 1975). */

export interface AnchorTable {
  /** Next state by `state * 256 + byte`. */
  readonly next: Uint16Array
  /** For each state, the texts that end there, by their index; the longest first. */
  readonly endings: readonly (readonly number[])[]
}

/** Builds the table for `texts`, ASCII; letters match in either case. */
export function compileAnchors(texts: readonly string[]): AnchorTable {
  const trie = growTrie(texts)
  const states = trie.endings.length
  const next = new Uint16Array(states * 256)
  const fallback = new Uint16Array(states)
  // By breadth: the state fallen back to is always complete.
  const queue: number[] = [0]
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0
    const back = fallback[state] ?? 0
    if (state !== 0) trie.endings[state]?.push(...(trie.endings[back] ?? []))
    for (let byte = 0; byte < 256; byte++) {
      const child = trie.children[state]?.get(lowerCase(byte))
      const fallen = state === 0 ? 0 : (next[back * 256 + byte] ?? 0)
      next[state * 256 + byte] = child ?? fallen
      if (child === undefined || byte !== lowerCase(byte)) continue
      fallback[child] = fallen
      queue.push(child)
    }
  }
  return { next, endings: trie.endings }
}

interface Trie {
  readonly children: Map<number, number>[]
  readonly endings: number[][]
}

function growTrie(texts: readonly string[]): Trie {
  const trie: Trie = { children: [new Map<number, number>()], endings: [[]] }
  texts.forEach((text, index) => {
    let state = 0
    for (const byte of Buffer.from(text, 'latin1')) {
      const letter = lowerCase(byte)
      let child = trie.children[state]?.get(letter)
      if (child === undefined) {
        child = trie.children.length
        trie.children[state]?.set(letter, child)
        trie.children.push(new Map())
        trie.endings.push([])
      }
      state = child
    }
    trie.endings[state]?.push(index)
  })
  return trie
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte
}
