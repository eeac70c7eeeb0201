import type { StateHub } from '../state-hub.ts'
import type { ChainRequestError } from './request-error.ts'

/** Tells the operator of an endpoint that serves another chain than it should, or that none does any more. */
export function tellMismatch(hub: StateHub, chainId: string, error: ChainRequestError | null): void {
  const id = `wrong-chain-${chainId}`
  if (error === null) hub.clear(id)
  else hub.raise(id, 'error', { kind: 'chain', chainId }, error.toReport())
}
