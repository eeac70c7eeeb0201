/** `${NAME}` inside the strings of a flow file (spec flows 2): undefined names are errors, an unclosed `${` is literal. */

interface Interpolated {
  readonly value: string
  /** Names that are not to be read, each once. */
  readonly faults: readonly { readonly name: string; readonly why: 'undefined' | 'not-allowed' }[]
}

/** Replaces each `${NAME}`; what cannot be replaced stays as it is. An empty name is literal. */
export function interpolate(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  allowed: ReadonlySet<string>,
): Interpolated {
  const parts: string[] = []
  const faults = new Map<string, 'undefined' | 'not-allowed'>()
  let at = 0
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', at)) {
    const end = text.indexOf('}', start + 2)
    if (end === -1) break
    const name = text.slice(start + 2, end)
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    parts.push(text.slice(at, start))
    at = end + 1
    if (name !== '' && allowed.has(name) && value !== undefined) {
      parts.push(value)
      continue
    }
    parts.push(text.slice(start, at))
    if (name !== '') faults.set(name, allowed.has(name) ? 'undefined' : 'not-allowed')
  }
  parts.push(text.slice(at))
  return { value: parts.join(''), faults: [...faults].map(([name, why]) => ({ name, why })) }
}
