const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1_024,
  kib: 1_024,
  m: 1_048_576,
  mib: 1_048_576,
  g: 1_073_741_824,
  gib: 1_073_741_824,
}

export const sizeRule = 'a size such as "16MiB" (B, KiB, MiB or GiB)'

/** Bytes of `16MiB`, `512 K`, `1024`; null where it is no size or beyond 2^53 - 1 (spec flows 2). */
export function parseSize(text: string): number | null {
  const match = /^\s*(\d{1,16})\s*([A-Za-z]{0,3})\s*$/.exec(text)
  const unit = units[match?.[2]?.toLowerCase() ?? '-']
  if (match === null || unit === undefined) return null
  const bytes = Number(match[1]) * unit
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** `1.2 GiB`, `64 MiB`, `512 B`. */
export function showSize(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 1_073_741_824],
    ['MiB', 1_048_576],
    ['KiB', 1_024],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`
  }
  return `${bytes} B`
}
