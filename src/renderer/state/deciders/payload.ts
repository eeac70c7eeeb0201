/** The payload of a command as the operator writes it: JSON, plain text, or bytes in hexadecimal. */
export type PayloadForm = 'json' | 'text' | 'hex'

export type PayloadRead =
  { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly problem: string }

/** The bytes that are sent, or what is wrong and where. */
export function readPayload(form: PayloadForm, text: string): PayloadRead {
  if (form === 'hex') return readHex(text)
  if (form === 'json') {
    const problem = jsonProblem(text)
    if (problem !== null) return { ok: false, problem }
  }
  // A copy, because an encoder of another realm makes arrays of another class.
  return { ok: true, bytes: Uint8Array.from(new TextEncoder().encode(text)) }
}

function readHex(text: string): PayloadRead {
  const digits = text.replace(/\s+/g, '')
  const bad = /[^0-9a-fA-F]/.exec(digits)
  if (bad !== null) return { ok: false, problem: `“${bad[0]}” is no hexadecimal digit.` }
  if (digits.length % 2 === 1)
    return { ok: false, problem: 'A byte has two digits; one is missing at the end.' }
  const pairs = digits.match(/../g) ?? []
  return { ok: true, bytes: Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)) }
}

/** What is wrong with a JSON text, in one sentence with line and column; null when nothing is. */
export function jsonProblem(text: string): string | null {
  if (text.trim() === '') return 'A JSON value is missing. An empty object is {}.'
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    const said = error instanceof Error ? error.message : ''
    const position = Number(/position (\d+)/.exec(said)?.[1] ?? Number.NaN)
    const offset = Number.isNaN(position) ? text.trimEnd().length : position
    const before = text.slice(0, offset)
    const line = before.split('\n').length
    const column = offset - before.lastIndexOf('\n')
    const found = text.charAt(offset)
    const what =
      found === '' || offset >= text.trimEnd().length
        ? 'The text ends too early'
        : `“${found}” is not expected`
    return `${what}: line ${line}, column ${column}.`
  }
}
