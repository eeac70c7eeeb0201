/**
 * Finds the text of members and elements in JSON that JSON.parse has accepted, so that what a node answered
 * can be handed on unmodified: parsing and printing it again would round integers above 2^53.
 */

/** Texts of the members of the object that starts at the first brace. Of a repeated name the last one counts. */
export function objectMembers(json: string): Map<string, string> {
  const members = new Map<string, string>()
  let at = skipBlank(json, json.indexOf('{') + 1)
  while (json[at] !== '}' && at < json.length) {
    const nameEnd = valueEnd(json, at)
    const name = JSON.parse(json.slice(at, nameEnd)) as string
    const start = skipBlank(json, json.indexOf(':', nameEnd) + 1)
    const end = valueEnd(json, start)
    members.set(name, json.slice(start, end))
    at = afterComma(json, end)
  }
  return members
}

/** Texts of the elements of the array that starts at the first bracket. */
export function arrayElements(json: string): string[] {
  const elements: string[] = []
  let at = skipBlank(json, json.indexOf('[') + 1)
  while (json[at] !== ']' && at < json.length) {
    const end = valueEnd(json, at)
    elements.push(json.slice(at, end))
    at = afterComma(json, end)
  }
  return elements
}

function afterComma(json: string, at: number): number {
  const next = skipBlank(json, at)
  return json[next] === ',' ? skipBlank(json, next + 1) : next
}

function skipBlank(json: string, from: number): number {
  let at = from
  while (/[ \t\r\n]/.test(json.charAt(at))) at++
  return at
}

/** Index after the value that starts at `start`. */
function valueEnd(json: string, start: number): number {
  const first = json[start]
  if (first === '"') return stringEnd(json, start)
  if (first !== '{' && first !== '[') return scalarEnd(json, start)
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const character = json.charCodeAt(at)
    if (character === 0x22) at = stringEnd(json, at) - 1
    else if (character === 0x7b || character === 0x5b) depth++
    else if ((character === 0x7d || character === 0x5d) && --depth === 0) return at + 1
  }
  return json.length
}

function scalarEnd(json: string, start: number): number {
  let at = start
  while (at < json.length && !/[,\]}\s]/.test(json.charAt(at))) at++
  return at
}

function stringEnd(json: string, start: number): number {
  let at = start
  for (;;) {
    at = json.indexOf('"', at + 1)
    if (at < 0) return json.length
    let backslashes = 0
    while (json[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at + 1
  }
}
