import path from 'node:path'

const longest = 64

/** The id of a flow: its folder's name and its own, made of what ids may hold; with a number where others have it. Pure. */
export function flowIdFor(file: string, flow: string, isTaken: (id: string) => boolean): string {
  const wanted = clean(`${path.basename(path.dirname(file))}.${flow}`)
  if (!isTaken(wanted)) return wanted
  for (let number = 2; ; number += 1) {
    const suffix = `-${number}`
    const id = wanted.slice(0, longest - suffix.length) + suffix
    if (!isTaken(id)) return id
  }
}

function clean(text: string): string {
  const allowed = text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return (allowed === '' ? 'flow' : allowed).slice(0, longest)
}
