/** Label values that are bounded whatever a guest or a node says (spec nexum-host 14.2). */
import { accountMethods, readMethods, signingMethods } from '../../capabilities/chain/method-policy.ts'
import { deniedMethod } from './metrics-port.ts'

/** JSON-RPC methods with a series of their own; granted extras are added, everything else is `<denied>`. */
const knownMethods: ReadonlySet<string> = new Set([
  ...accountMethods,
  ...signingMethods,
  ...readMethods,
  // Paddock's own.
  'eth_sendRawTransaction',
  'eth_subscribe',
  'eth_unsubscribe',
])

const schemes: ReadonlySet<string> = new Set(['sha256', 'oci', 'bzz', 'ipfs', 'https', 'file'])

/** What the operator configured, which bounds what a label may say. */
export interface LabelBounds {
  isConfigured(chainId: string): boolean
  isExtraMethod(method: string): boolean
}

export function chainLabel(chainId: string, bounds: LabelBounds): string {
  return bounds.isConfigured(chainId) ? chainId : 'unconfigured'
}

export function methodLabel(method: string, bounds: LabelBounds): string {
  return knownMethods.has(method) || bounds.isExtraMethod(method) ? method : deniedMethod
}

export function schemeLabel(scheme: string): string {
  return schemes.has(scheme) ? scheme : 'other'
}
