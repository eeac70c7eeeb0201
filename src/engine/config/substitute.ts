/** `${NAME}` in an engine.toml, replaced before it is parsed, comments included (spec nexum-host 5.2). */
import { PaddockError } from '../../shared/errors.ts'

const nameRule = /^[A-Z_][A-Z0-9_]*$/

/**
 * Replaces each `${NAME}` by the variable's value. Throws `settings.env_missing` naming the variable,
 * `settings.env_name` naming what stands in its place, and `settings.env_unclosed` naming the byte offset.
 */
export function substituteVariables(
  text: string,
  file: string,
  variables: Readonly<Record<string, string | undefined>>,
): string {
  const parts: string[] = []
  let at = 0
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', at)) {
    const end = text.indexOf('}', start)
    const lineEnd = text.indexOf('\n', start)
    if (end === -1 || (lineEnd !== -1 && lineEnd < end)) {
      const offset = byteOffset(text, start)
      throw new PaddockError('settings.env_unclosed', `${file}: the "\${" at byte ${offset} has no "}".`, {
        details: { file, offset },
      })
    }
    const name = text.slice(start + 2, end)
    if (!nameRule.test(name)) {
      const offset = byteOffset(text, start)
      throw new PaddockError(
        'settings.env_name',
        `${file}: ${JSON.stringify(name.slice(0, 64))} at byte ${offset} is no name of a variable.`,
        { details: { file, name: name.slice(0, 64), offset } },
      )
    }
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    if (value === undefined) {
      throw new PaddockError('settings.env_missing', `${file}: the variable ${name} is not set.`, {
        details: { file, name },
      })
    }
    parts.push(text.slice(at, start), value)
    at = end + 1
  }
  return parts.join('') + text.slice(at)
}

function byteOffset(text: string, index: number): number {
  return new TextEncoder().encode(text.slice(0, index)).byteLength
}
