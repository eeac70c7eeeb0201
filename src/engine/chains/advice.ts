import type { ChainConfig } from '../../shared/domain/chain.ts'

/** What an operator may want to know of the chains at a start; `require_ws = false` silences it (spec nexum-host 5.3). */
export function chainAdvice(chains: readonly ChainConfig[]): string[] {
  return chains
    .filter(({ requireWs, endpoints }) => requireWs && endpoints.length > 0 && endpoints.every(isHttp))
    .map(({ name, pollIntervalMs }) => {
      const seconds = pollIntervalMs / 1_000
      return `${name} has http endpoints only: its heads are asked for every ${seconds} s. A ws endpoint pushes them.`
    })
}

function isHttp({ url }: { readonly url: string }): boolean {
  return url.startsWith('http')
}
