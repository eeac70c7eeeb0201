export const screens = [
  'overview',
  'modules',
  'chains',
  'logs',
  'flows',
  'deciders',
  'actors',
  'tools',
  'settings',
] as const
export type Screen = (typeof screens)[number]

/** Where the console is: a screen, what is open in it, and its filters. */
export interface Route {
  readonly screen: Screen
  /** Module name, chain id, or a page of the settings. */
  readonly item: string | null
  readonly part: string | null
  readonly query: Readonly<Record<string, string>>
}

export interface RouteTarget {
  readonly screen: Screen
  readonly item?: string | null
  readonly part?: string | null
  readonly query?: Readonly<Record<string, string>>
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Reads a location hash; anything unknown is the overview. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2)
  const [first = '', item, part] = path.split('/').map(decode)
  const screen = screens.find((known) => known === first) ?? 'overview'
  return {
    screen,
    item: item === undefined || item === '' ? null : item,
    part: part === undefined || part === '' ? null : part,
    query: Object.fromEntries(new URLSearchParams(search)),
  }
}

/** The location hash of a route: the inverse of `parseRoute`. */
export function formatRoute(target: RouteTarget): string {
  const parts: string[] = [target.screen]
  if (target.item !== undefined && target.item !== null) {
    parts.push(encodeURIComponent(target.item))
    if (target.part !== undefined && target.part !== null) parts.push(encodeURIComponent(target.part))
  }
  const query = new URLSearchParams(
    Object.entries(target.query ?? {}).filter(([, value]) => value !== ''),
  ).toString()
  return `#/${parts.join('/')}${query === '' ? '' : `?${query}`}`
}

/** The current route, kept in the location hash so that Back works. */
export class Router {
  current = $state.raw<Route>(parseRoute(''))

  start(): () => void {
    const read = (): void => {
      this.current = parseRoute(window.location.hash)
    }
    read()
    window.addEventListener('hashchange', read)
    return () => window.removeEventListener('hashchange', read)
  }

  go(target: RouteTarget): void {
    window.location.hash = formatRoute(target)
  }

  /** Changes filters of the present screen without adding a step to go Back through. */
  refine(query: Readonly<Record<string, string>>): void {
    const { screen, item, part } = this.current
    const hash = formatRoute({ screen, item, part, query: { ...this.current.query, ...query } })
    window.history.replaceState(null, '', hash)
    this.current = parseRoute(hash)
  }
}
